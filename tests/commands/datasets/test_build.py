"""`genolightning datasets build`: from positives and a genome to a dataset that `dataset=NAME` finds."""

import json
import shlex

import pytest
import yaml

from genolightning.api import load_dataset
from genolightning.benchmarks.card import composed, read_card, shape_of
from genolightning.commands.datasets import build as datasets_build
from genolightning.config.help import choices
from genolightning.errors import BadTable, UserError
from genolightning.genome.annotation import read_gff
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.overlaps import count_overlaps, linearize
from genolightning.genome.reference import Genome
from genolightning.storage.checksums import sha256
from tests.helpers.make import plain_slice, sequence, write, write_bed, write_fasta
from tests.helpers.tiny import run

RECORDS = {f"chr{i}": sequence(3000, seed=i) for i in (1, 2, 3)}
GFF = "".join(
    f"chr{i}\tmade\t{kind}\t{start + 1}\t{start + length}\t.\t{strand}\t.\tID=x\n"
    for i in (1, 2, 3)
    for start, strand in ((100, "+"), (900, "-"), (1500, "+"))
    for kind, length in (("gene", 400), ("CDS", 60))
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    write_fasta(tmp_path / "genomes" / "tiny.fa.gz", RECORDS)
    write(tmp_path / "genomes" / "tiny.gff3", GFF)
    write_bed(
        tmp_path / "peaks.bed", [(f"chr{i}", 10 * n, 10 * n + 30, "p", 0, "-") for i in (1, 2, 3) for n in (1, 9)]
    )
    return tmp_path


CODING = ["coding", "--gff", "genomes/tiny.gff3", "--feature", "CDS", "--genome", "genomes/tiny.fa.gz"]
PEAKS = ["peaks", "--positives", "peaks.bed", "--genome", "genomes/tiny.fa.gz"]


def tables(folder, label: str) -> Intervals:
    return Intervals.concat(
        [read_gb_table(folder / split / f"{label}.csv.gz").intervals for split in ("train", "test")]
    )


def meet(queries: Intervals, targets: Intervals) -> bool:
    return bool(count_overlaps(*linearize(queries, targets)).any())


def test_features_against_intergenic_dna(root, capsys):
    assert datasets_build.main([*CODING, "--negatives-from", "intergenic", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["rows"]["train"].keys() == {"negative", "positive"}
    folder = root / "genomic_benchmarks" / "coding"
    annotation = read_gff(root / "genomes" / "tiny.gff3")
    assert sorted(tables(folder, "positive").start.tolist()) == sorted(annotation.of_type("CDS").start.tolist())
    assert not meet(tables(folder, "negative"), annotation.intervals)
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())
    assert metadata["classes"]["positive"] == {"type": "fa.gz", "url": "genomes/tiny.fa.gz"}


def test_what_was_built_can_be_trained_on(root):
    datasets_build.main([*CODING, "--seed", "3"])
    served = load_dataset("coding", "test", config_dir=root / "conf")
    folder = root / "genomic_benchmarks" / "coding" / "test"
    rows = [read_gb_table(folder / f"{label}.csv.gz").intervals for label in ("negative", "positive")]
    assert len(served) == sum(map(len, rows))
    codes, label = served[len(rows[0])]
    first = rows[1]
    strand = "+" if first.strand is None else str(first.strand[0])
    assert label == 1
    expected = plain_slice(RECORDS, str(first.chrom[0]), int(first.start[0]), int(first.end[0]), strand)
    assert "".join("ACGTN"[base] for base in codes) == expected


def test_the_card_says_what_was_built_and_its_command_builds_it_again(root):
    datasets_build.main(PEAKS)
    file = root / "conf" / "dataset" / "peaks.yaml"
    card = read_card(file)
    folder = root / "genomic_benchmarks" / "peaks"
    assert card.table1 == shape_of({label: tables(folder, label).lengths for label in card.classes})
    assert card.sha256 == {name: sha256(folder / name) for name in card.sha256}
    assert card.citation is None, "what was built here is not Genomic Benchmarks"
    assert composed(file)["batch_size"] == 64, "the shared parts are found from the user's own folder"
    verb, noun, action, *given = shlex.split(card.command)
    assert (verb, noun, action) == ("genolightning", "datasets", "build")
    datasets_build.main(
        [*given, "--output", str(root / "again"), "--config-dir", str(write(root / "c" / "x", "").parent)]
    )
    assert {name: sha256(root / "again" / name) for name in card.sha256} == card.sha256


def test_a_second_dataset_of_the_name_is_refused_and_the_first_kept(root):
    datasets_build.main(PEAKS)
    before = sha256(root / "genomic_benchmarks" / "peaks" / "train" / "positive.csv.gz")
    with pytest.raises(UserError, match="there already"):
        datasets_build.main([*PEAKS, "--seed", "2"])
    assert sha256(root / "genomic_benchmarks" / "peaks" / "train" / "positive.csv.gz") == before


def test_what_was_built_is_found_without_a_config_dir(root, capsys):
    datasets_build.main([*PEAKS, "--json"])
    assert json.loads(capsys.readouterr().out)["train"] == "genolightning train dataset=peaks"
    assert run("datasets", "info", "peaks", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "peaks"
    assert len(load_dataset("peaks", "test", dataset__validation_fraction=0)) > 0
    other = write(root / "mine" / "dataset" / "peaks.yaml", "# mine\n").parent.parent
    assert choices("dataset", other)["peaks"].is_relative_to(other), "--config-dir is searched first"


def test_our_own_datasets_are_not_shadowed(root):
    with pytest.raises(UserError, match="there already"):
        datasets_build.main(["gb_human_enhancers_cohn", *PEAKS[1:]])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([*PEAKS, "--classes", "yes,yes"], "the class 'yes' stands there twice"),
        ([*PEAKS, "--classes", "a,b,c"], "names of the negatives and the positives"),
        (["../up", *PEAKS[1:]], "letters, digits"),
        (["peaks", "--genome", "genomes/tiny.fa.gz"], "either --positives BED, or --gff"),
        ([*PEAKS, "--feature", "CDS"], "either --positives BED, or --gff"),
        (["x", "--feature", "CDS", "--genome", "genomes/tiny.fa.gz"], "add --gff FILE"),
        ([*PEAKS, "--negatives-from", "intergenic"], "add --gff FILE"),
        ([*PEAKS, "--match", "length"], "wanted gc, chromosome"),
        ([*PEAKS, "--length", "long"], "keep, or a number of bases"),
        (["peaks", "--positives", "peaks.bed", "--genome", "none.fa"], "there is no genome"),
        (["peaks", "--positives", "none.bed", "--genome", "genomes/tiny.fa.gz"], "none.bed"),
        ([*CODING[:4], "ncRNA", *CODING[5:]], "no feature of type 'ncRNA'; its types are CDS, gene"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(root, given, told):
    with pytest.raises(UserError, match=told) as caught:
        datasets_build.main(given)
    assert "\n" not in str(caught.value)
    assert not (root / "genomic_benchmarks").exists()
    assert not (root / "conf").exists()


def test_a_gff3_with_bad_columns_is_named_by_line(root):
    write(root / "genomes" / "tiny.gff3", GFF + "chr1\tmade\tCDS\t5\n")
    with pytest.raises(BadTable, match=r"tiny\.gff3 line 19: wanted nine columns"):
        datasets_build.main(CODING)


def test_positives_that_leave_no_room_write_nothing(root):
    write_bed(root / "peaks.bed", [(f"chr{i}", 0, 2900) for i in (1, 2, 3)])
    with pytest.raises(UserError, match="no room"):
        datasets_build.main(PEAKS)
    assert not (root / "genomic_benchmarks").exists()


@pytest.mark.real_data
@pytest.mark.parametrize("match", ["", "gc"])
def test_worm_coding_has_every_coding_exon_and_no_gene_among_its_negatives(data_root, tmp_path, match):
    gff, fasta = data_root / "genomes" / "ce270.gff3.gz", data_root / "genomes" / "ce270.fa.gz"
    given = ["worm_coding", "--gff", gff, "--feature", "CDS", "--genome", fasta, "--negatives-from", "intergenic"]
    given += ["--match", match, "--length", "100"] if match else []  # long ones of a GC of their own do not fit in 1 Mb
    given += ["--max-n", ".05", "--output", tmp_path / "tables", "--config-dir", write(tmp_path / "c" / "x", "").parent]
    datasets_build.main(list(map(str, given)))
    positives, negatives = (tables(tmp_path / "tables", label) for label in ("positive", "negative"))
    annotation = read_gff(gff)
    coding = annotation.of_type("CDS")
    if not match:
        places = set(zip(coding.chrom.tolist(), coding.start.tolist(), coding.end.tolist(), strict=True))
        assert set(zip(positives.chrom, positives.start.tolist(), positives.end.tolist(), strict=True)) == places
        assert len(positives) == len(places)
    assert sorted(positives.lengths.tolist()) == sorted(negatives.lengths.tolist())
    assert not meet(negatives, annotation.intervals)
    assert (Genome(fasta).gather(negatives).values < 4).mean() >= 0.95
