"""Interval tables over a genome: the bases are those of plain Python slices, and what is missing is reported."""

import gzip

import numpy as np
import pytest

from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.errors import DatasetMissing, GenomeMissing, OutOfChromosome, UserError
from genolightning.genome.alphabet import decode
from genolightning.genome.codes import encode
from tests.helpers.make import tiny_genome, write_fasta, write_gb_table

FAR = {
    "negative": [("chr1", 0, 20, "+"), ("chr9", 0, 20, "+")],
    "positive": [("2", 30, 50, "-"), ("chr2", 590, 610, "")],
}
NEAR = {
    "negative": [("chr1", 5, 25, "-"), ("1", 700, 720, ".")],
    "positive": [("chr2", 3, 33, "-"), ("chrM", 0, 30, "+")],
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root that holds one dataset, whose train split reaches outside its genome."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    write_fasta(tmp_path / "genomes" / "tiny.fa.gz")
    for split, tables in (("train", FAR), ("test", NEAR)):
        for label, rows in tables.items():
            write_gb_table(tmp_path / "genomic_benchmarks" / "toy" / split / f"{label}.csv.gz", rows)
    return tmp_path


def toy(**keys):
    own = {"name": "gb_toy", "folder": "toy", "kind": "binary", "classes": ["negative", "positive"], "assembly": "tiny"}
    return IntervalTables(**(own | keys))


def slice_of(chrom, start, end, strand):
    genome = tiny_genome()
    letters = genome.get(chrom, genome.get(f"chr{chrom}"))[start:end].upper()
    if strand == "-":
        letters = letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
    return "".join(letter if letter in "ACGT" else "N" for letter in letters)


def letters_of(codes):
    return [decode(row) for row in codes]


def test_rows_are_slices_of_the_fasta_on_both_strands_in_class_order(root):
    rows = toy().rows("test")
    assert letters_of(rows.codes) == [slice_of(*row) for row in NEAR["negative"] + NEAR["positive"]]
    assert rows.target.tolist() == [0, 0, 1, 1]
    assert rows.ids.tolist() == ["negative/0", "negative/1", "positive/0", "positive/1"]
    assert rows.dropped == {}


def test_a_row_outside_the_genome_is_an_error_that_names_file_and_line(root):
    with pytest.raises(OutOfChromosome, match=r"train/negative\.csv\.gz line 3: chr9:0-20.*dataset\.missing=drop"):
        toy().rows("train")


def test_dropped_rows_are_counted_by_reason_and_the_index_keeps_their_places(root):
    rows = toy(missing="drop").rows("train")
    assert rows.dropped == {"chromosome absent": 1, "past the end": 1}
    assert rows.index.tolist() == [0, 2]
    assert letters_of(rows.codes) == [slice_of(*FAR["negative"][0]), slice_of(*FAR["positive"][0])]


def test_a_class_left_with_no_row_is_a_warning_and_no_row_at_all_an_error(root):
    write_fasta(root / "one.fa", {"chr1": tiny_genome()["chr1"]})
    half = toy(missing="drop", genome="one.fa")
    assert half.rows("test").target.tolist() == [0, 0]
    assert len(half.warnings) == 1
    assert "class positive has no test row" in half.warnings[0]
    write_fasta(root / "none.fa", {"chrZ": "ACGT"})
    with pytest.raises(OutOfChromosome, match=r"no test row lies inside .*none\.fa.*dataset\.genome=FILE"):
        toy(missing="drop", genome="none.fa").rows("test")


def test_each_class_may_have_its_own_genome(root):
    write_fasta(root / "other.fa", {"chr2": "A" * 99, "chrM": "C" * 99})
    rows = toy(genomes={"positive": "other.fa", "negative": None}).rows("test")
    assert letters_of(rows.codes)[2:] == ["T" * 30, "C" * 30]
    assert letters_of(rows.codes)[0] == slice_of(*NEAR["negative"][0])


def test_tables_and_genomes_are_named_with_their_checksums(root):
    assert set(toy().sha256("test")) == {
        "genomic_benchmarks/toy/test/negative.csv.gz",
        "genomic_benchmarks/toy/test/positive.csv.gz",
        "genomes/tiny.fa.gz",
    }


def test_what_is_missing_says_what_to_type_next(root):
    with pytest.raises(DatasetMissing, match=r"no genomic_benchmarks/none/train/.*datasets fetch gb_toy"):
        toy(folder="none").prepare()
    with pytest.raises(GenomeMissing, match=r"genomes/WBcel235\.fa.*dataset\.genome=FILE"):
        toy(assembly={"negative": "tiny", "positive": "WBcel235"}).prepare()
    with pytest.raises(GenomeMissing, match=r"no genome .*absent\.fa"):
        toy(genome="absent.fa").prepare()
    with pytest.raises(UserError, match=r"no class 'worm', but negative, positive"):
        toy(genomes={"worm": "tiny.fa"})


def real(data_root, folder, classes):
    genome = data_root / "genomes" / "chr2_1-2333275.fa.gz"
    if not genome.is_file():
        pytest.skip("the data root has no piece of chr2")
    keys = {"kind": "multiclass", "classes": classes, "assembly": "GRCh38", "genome": genome, "missing": "drop"}
    return IntervalTables(name=f"gb_{folder}", folder=folder, **keys)


@pytest.mark.real_data
def test_the_piece_of_chr2_holds_260_regulatory_rows_and_they_are_its_slices(data_root):
    tables = real(data_root, "human_ensembl_regulatory", ["enhancer", "ocr", "promoter"])
    text = gzip.decompress((data_root / "genomes" / "chr2_1-2333275.fa.gz").read_bytes()).decode()
    chr2 = "".join(text.splitlines()[1:]).upper()
    found, expected = [], []
    for split in tables.splits():
        found += letters_of(tables.rows(split).codes)
        for label in tables.classes:
            file = data_root / "genomic_benchmarks" / "human_ensembl_regulatory" / split / f"{label}.csv.gz"
            for line in gzip.decompress(file.read_bytes()).decode().splitlines()[1:]:
                _, chrom, start, end, _ = line.split(",")
                if chrom == "chr2" and int(end) <= len(chr2):
                    expected.append(chr2[int(start) : int(end)])
    assert len(found) == 260
    assert found == expected


@pytest.mark.real_data
def test_the_five_nontata_test_rows_on_chr2_stand_in_the_official_sequences(data_root):
    tables = real(data_root, "human_nontata_promoters", ["negative", "positive"])
    official = gzip.decompress((data_root / "sequences/human_nontata_promoters/test.tsv.gz").read_bytes()).decode()
    label_of = dict(line.split("\t") for line in official.splitlines()[1:])
    rows = tables.rows("test")
    assert len(rows.index) == 5
    assert len(tables.rows("train").index) == 4
    assert [label_of[letters] for letters in letters_of(rows.codes)] == [str(label) for label in rows.target]


@pytest.mark.real_data
def test_the_piece_of_chr2_holds_155_rows_of_open_chromatin(data_root):
    tables = real(data_root, "human_ocr_ensembl", ["negative", "positive"])
    assert sum(len(tables.rows(split).index) for split in tables.splits()) == 155


def test_codes_of_equal_length_stay_a_matrix(root):
    rows = toy(missing="drop").rows("train")
    assert rows.codes.even
    assert np.array_equal(rows.codes[0], encode([slice_of(*FAR["negative"][0])])[0])
