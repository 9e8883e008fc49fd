"""Precomputed sequences replace a genome that is missing, and only then."""

import pytest

from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.errors import BadTable, GenomeMissing
from genolightning.genome.alphabet import decode
from tests.helpers.make import plain_slice, tiny_genome, write, write_fasta, write_gb_table

TABLES = {
    "negative": [("chr1", 5, 25, "-"), ("chr1", 700, 720, "+")],
    "positive": [("chr2", 3, 23, "-"), ("chrM", 0, 20, "+")],
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root with tables and ready files of both splits, and no genome; the files are in no order."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    for split in ("train", "test"):
        for label, rows in TABLES.items():
            write_gb_table(tmp_path / "genomic_benchmarks" / "toy" / split / f"{label}.csv.gz", rows, ids=["7", "x"])
        write_ready(tmp_path / "sequences" / "toy" / f"{split}.tsv.gz", lines())
    return tmp_path


def bases(row):
    return plain_slice(tiny_genome(), *row)


def lines():
    named = [(f"{id}", bases(row), label) for label, rows in TABLES.items() for id, row in zip("7x", rows, strict=True)]
    return [named[3], named[0], named[2], named[1]]


def write_ready(path, rows, header="id\tsequence\tlabel"):
    return write(path, "\n".join([header, *("\t".join(row) for row in rows)]) + "\n")


def toy(**keys):
    own = {"name": "gb_toy", "folder": "toy", "kind": "binary", "classes": ["negative", "positive"], "assembly": "tiny"}
    return IntervalTables(**(own | keys))


def test_rows_come_in_the_order_of_the_tables_as_they_do_from_the_genome(root):
    benchmark = toy()
    benchmark.prepare()
    ready = benchmark.rows("test")
    assert "sequences/toy/test.tsv.gz" in benchmark.sha256("test")
    assert [text for text in benchmark.warnings if "sequences/toy/test.tsv.gz" in text]
    write_fasta(root / "genomes" / "tiny.fa")
    gathered = toy().rows("test")
    assert [decode(row) for row in ready.codes] == [decode(row) for row in gathered.codes]
    assert ready.ids.tolist() == gathered.ids.tolist() == ["negative/7", "negative/x", "positive/7", "positive/x"]
    assert ready.target.tolist() == gathered.target.tolist()


def test_a_genome_that_is_there_or_is_named_is_what_is_read(root):
    with pytest.raises(GenomeMissing, match="absent"):
        toy(genome="absent.fa").prepare()
    write_fasta(root / "genomes" / "tiny.fa")
    benchmark = toy()
    benchmark.rows("test")
    assert benchmark.warnings == []
    assert "genomes/tiny.fa" in benchmark.sha256("test")


def test_numbers_of_the_sorted_classes_are_labels_too(root):
    rows = [(sequence, str(["negative", "positive"].index(label))) for _, sequence, label in lines()]
    write_ready(root / "sequences" / "toy" / "test.tsv.gz", rows, "seq\tlabel")
    found = toy().rows("test")
    assert found.target.tolist() == [0, 0, 1, 1]
    assert found.ids.tolist() == ["1", "3", "0", "2"], "without ids the row of the file is the name"
    assert decode(found.codes[0]) == rows[1][0]


def test_a_split_with_neither_genome_nor_sequences_needs_the_genome(root):
    (root / "sequences" / "toy" / "train.tsv.gz").unlink()
    assert toy().lacks() == ["genomes/tiny.fa"]
    with pytest.raises(GenomeMissing, match=r"genomes/tiny\.fa.*dataset\.genome=FILE"):
        toy().prepare()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:3], "1 rows of class negative where the interval table has 2"),
        (lambda rows: [("8", *rows[0][1:]), *rows[1:]], "line 2: id positive/8 is in no interval table"),
        (lambda rows: [rows[0], rows[3], *rows[2:]], "line 5: id negative/x|line 3: id negative/x"),
        (lambda rows: [(rows[0][0], rows[0][1][:-1], rows[0][2]), *rows[1:]], "line 2: 19 bases where .* has 20"),
        (lambda rows: [(*rows[0][:2], "worm"), *rows[1:]], "line 2: unknown label 'worm'"),
    ],
    ids=["too few", "another id", "twice", "cut short", "label"],
)
def test_sequences_that_are_not_those_of_the_tables_are_refused(root, change, words):
    write_ready(root / "sequences" / "toy" / "test.tsv.gz", change(lines()))
    with pytest.raises(BadTable, match=words):
        toy().rows("test")
