"""A dataset built from files: positives of a BED or an annotation, tables and YAML written, mistakes in one line."""

import pytest
import yaml

from genolightning.benchmarks.build.from_files import InputFiles, build_from_files, check_names
from genolightning.errors import GenomeMissing, UserError
from tests.helpers.make import sequence, write, write_bed, write_fasta


@pytest.fixture
def files(tmp_path):
    features = [("CDS", 101, 160), ("CDS", 901, 960), ("gene", 51, 400)]
    lines = [f"chr1\tmade\t{kind}\t{start}\t{end}\t.\t+\t.\tID=x\n" for kind, start, end in features]
    return InputFiles(
        genome=write_fasta(tmp_path / "tiny.fa", {"chr1": sequence(3000, seed=1)}),
        positives=write_bed(tmp_path / "peaks.bed", [("chr1", 10 * n, 10 * n + 8, "p", 0, "-") for n in range(10)]),
        gff=write(tmp_path / "tiny.gff3", "".join(lines)),
    )


def test_rows_are_counted_by_split_and_class_and_named_in_the_yaml(files, tmp_path):
    facts = build_from_files(
        "peaks",
        files._replace(gff=None),
        folder=tmp_path / "tables",
        config_file=tmp_path / "conf" / "dataset" / "peaks.yaml",
        classes=["no", "yes"],
        command=["build"],
        test_fraction=0.3,
    )
    assert facts["rows"] == {"train": {"no": 7, "yes": 7}, "test": {"no": 3, "yes": 3}}
    text = (tmp_path / "conf" / "dataset" / "peaks.yaml").read_text()
    assert text.startswith("# Built here: peaks.bed against the rest of the genome, tiny.fa; 10 + 10 rows.\n")
    assert yaml.safe_load(text)["card"]["counts"] == facts["rows"]


def test_features_are_positives_and_intergenic_negatives_avoid_every_feature(files):
    coding = files._replace(positives=None, feature="CDS", negatives_from="intergenic")
    positives, avoid = coding.read()
    assert positives.start.tolist() == [100, 900]
    assert {50, 100, 900} <= set(avoid.start.tolist())
    assert coding._replace(negatives_from=None).read()[1].start.tolist() == [100, 900]
    assert coding.describe() == "CDS of tiny.gff3 against intergenic, tiny.fa"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"feature": "CDS"}, "either --positives BED, or --gff"),
        ({"positives": None}, "either --positives BED, or --gff"),
        ({"gff": None, "negatives_from": "intergenic"}, "--negatives-from needs the annotation"),
    ],
)
def test_positives_that_are_not_named_once_are_refused(files, changes, expected):
    with pytest.raises(UserError, match=expected):
        files._replace(**changes).read()


def test_a_missing_genome_and_impossible_names_are_refused(files, tmp_path):
    with pytest.raises(GenomeMissing, match="there is no genome"):
        files._replace(genome=tmp_path / "none.fa").fasta()
    check_names("peaks", ["no", "yes"])
    for name, classes in (("../up", ["no", "yes"]), ("peaks", ["no"]), ("peaks", ["no", "no"])):
        with pytest.raises(UserError):
            check_names(name, classes)
