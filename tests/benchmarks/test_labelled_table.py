"""Labelled tables: what is read out of them, and one line for each thing that can be wrong."""

import gzip

import numpy as np
import polars as pl
import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.errors import BadTable, DatasetMissing, UserError
from genolightning.genome.codes import encode
from tests.helpers.make import write

GOOD = "sequence,label\nACGT,0\nTTGA,1\n"


def table(path, text=GOOD, **keys):
    return LabelledTable(train=write(path, text), **keys)


def refused(act, *words, kind=BadTable):
    with pytest.raises(kind) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message, message


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv", "a.txt.gz", "a.parquet"])
def test_the_same_rows_come_out_of_every_format(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pl.DataFrame({"sequence": ["ACGT", "TTGA"], "label": [0.0, 1.0]}).write_parquet(path)
    else:
        write(path, GOOD.replace(",", "\t") if "csv" not in name else GOOD)
    rows = LabelledTable(train=path).rows("train")
    assert rows.codes.padded().tolist() == [[0, 1, 2, 3], [3, 3, 2, 0]]
    assert rows.target.tolist() == [0, 1]
    assert rows.ids.tolist() == ["0", "1"]


def test_content_and_not_the_name_says_what_is_gzipped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(GOOD.encode(), mtime=0))
    assert len(LabelledTable(train=path).rows("train").index) == 2


def test_a_file_is_found_with_and_without_gz(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    write(tmp_path / "gue" / "a.csv.gz", GOOD)
    write(tmp_path / "gue" / "b.csv", GOOD)
    both = LabelledTable(train="gue/a.csv", test="gue/b.csv.gz")
    both.prepare()
    assert both.splits() == ["train", "test"]
    assert list(both.sha256("train")) == ["gue/a.csv.gz"]


def test_case_white_space_quotes_blank_lines_and_a_byte_order_mark_change_nothing(tmp_path):
    plain = table(tmp_path / "a.csv").rows("train")
    odd = '\ufeffLabel , SEQ\r\n\r\n0," acgt "\r\n 1 ,ttga\r\n\r\n'
    other = table(tmp_path / "b.csv", odd).rows("train")
    assert np.array_equal(plain.codes.values, other.codes.values)
    assert np.array_equal(plain.target, other.target)


def test_sequences_of_unequal_length_are_packed(tmp_path):
    codes = table(tmp_path / "a.csv", "sequence,label\nAC,0\nACGTN,1\n").rows("train").codes
    assert not codes.even
    assert codes.offsets.tolist() == [0, 2, 7]


def test_two_labels_are_binary_and_more_are_multiclass_in_numeric_order(tmp_path):
    assert table(tmp_path / "a.csv").kind == "binary"
    many = table(tmp_path / "b.csv", "sequence,label\nA,10\nC,9\nG,1.0\nT,1\n")
    assert (many.kind, many.classes) == ("multiclass", ["1", "9", "10"])
    assert many.rows("train").target.tolist() == [2, 1, 0, 0]


def test_named_columns_and_ids_are_taken(tmp_path):
    keys = {"sequence": "dna", "label": "y", "id": "gene"}
    rows = table(tmp_path / "a.tsv", "gene\ty\tdna\nBRCA1\tno\tACG\nTP53\tyes\tTTT\n", **keys).rows("train")
    assert rows.ids.tolist() == ["BRCA1", "TP53"]
    assert rows.target.tolist() == [0, 1]


def test_numbers_are_regression_only_where_that_is_said(tmp_path):
    text = "sequence,label\nA,0.5\nC,-1e3\n"
    rows = table(tmp_path / "a.csv", text, kind="regression").rows("train")
    assert rows.target.dtype == np.float32
    assert rows.target.tolist() == [0.5, -1000]
    refused(lambda: table(tmp_path / "b.csv", text).classes, "b.csv", "0.5", "dataset.kind=regression")
    refused(
        lambda: table(tmp_path / "c.csv", "sequence,label\nA,1\nC,high\n", kind="regression").rows("train"),
        "c.csv line 3",
        "'high' is not a number",
    )


def test_label_sets_become_a_column_a_label(tmp_path):
    text = 'sequence,label\nA,"1,5"\nC,\nG,2\n'
    sets = table(tmp_path / "a.csv", text, kind="multilabel")
    assert sets.classes == ["1", "2", "5"]
    assert sets.rows("train").target.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_a_list_of_columns_is_multilabel_and_an_empty_cell_is_no_label(tmp_path):
    columns = table(tmp_path / "a.csv", "sequence,CTCF,MYC\nA,1,0\nC,,1.0\n", label=["CTCF", "MYC"])
    assert (columns.kind, columns.classes) == ("multilabel", ["CTCF", "MYC"])
    assert columns.rows("train").target.tolist() == [[1, 0], [-100, 1]]
    refused(
        lambda: table(tmp_path / "b.csv", "sequence,CTCF\nA,2\n", label=["CTCF"]).rows("train"), "b.csv line 2", "'2'"
    )


def test_a_string_of_labels_is_one_label_a_base(tmp_path):
    bases = table(tmp_path / "a.csv", "sequence,label\nACG,011\nTTTT,0010\n", resolution_bp=1)
    assert bases.kind == "binary"
    assert bases.rows("train").target.tolist() == [[0, 1, 1, -100], [0, 0, 1, 0]]
    refused(
        lambda: table(tmp_path / "b.csv", "sequence,label\nACG,01\n", resolution_bp=1).rows("train"),
        "b.csv line 2",
        "2 labels where 3",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("sequence,label\n", ["header and no rows"]),
        ("seq,y\nACGT,0\n", ["no column 'label'", "it has seq, y", "dataset.sequence=seq dataset.label="]),
        ("sequence,label\nACGT,0\n,1\n", ["line 3", "sequence is empty"]),
        ("sequence,label\nACGT,0\nAC!T,1\n", ["line 3", "'!' at base 3", "IUPAC"]),
        ("sequence,label\nACGT,0\n\nACGT,\n", ["line 4", "label is missing"]),
        ("sequence,label\nACGT,0\nACGT,1,2\n", ["line 3", "3 fields where the header has 2"]),
        ("sequence,label\nACGT,0\nACGT\n", ["line 3", "1 fields where the header has 2"]),
        ('sequence,label\nACGT,"0\nACGT,1\n', ["line 3", "close every quote"]),
        ("sequence,label,label\nACGT,0,1\n", ["line 1", "'label'"]),
        ("sequence,label\nACGT,0\nTTTT,0\n", ["every label is '0'"]),
        (b"\x00\x01\x02\xff" * 50, ["binary file"]),
        (gzip.compress(GOOD.encode() * 500, mtime=0)[:60], ["truncated"]),
        (b"PAR1" + b"\0" * 30, ["not a whole parquet file"]),
    ],
)
def test_a_faulty_file_is_one_line_that_names_file_and_line(tmp_path, text, words):
    refused(lambda: table(tmp_path / "bad.csv", text).rows("train"), tmp_path / "bad.csv", *words)


def test_a_label_that_train_lacks_is_an_error(tmp_path):
    test = write(tmp_path / "test.csv", "sequence,label\nA,0\nC,1\nG,2\n")
    refused(lambda: table(tmp_path / "a.csv", test=test).rows("test"), "test.csv line 4", "unknown label '2'", "0, 1")


def test_a_test_file_may_lack_a_class_only_if_classes_are_declared(tmp_path):
    test = write(tmp_path / "test.csv", "sequence,label\nA,0\n")
    refused(lambda: table(tmp_path / "a.csv", test=test).rows("test"), "test.csv", "class 1", "dataset.classes=[0, 1]")
    assert table(tmp_path / "a.csv", test=test, classes=[0, 1]).rows("test").target.tolist() == [0]


def test_a_declared_class_needs_a_row_in_train(tmp_path):
    refused(lambda: table(tmp_path / "a.csv", classes=["0", "1", "2"]).rows("train"), "a.csv", "no row of class 2")


def test_binary_takes_two_classes(tmp_path):
    three = table(tmp_path / "a.csv", "sequence,label\nA,a\nC,b\nG,c\n", kind="binary")
    refused(lambda: three.kind, "two classes", "a, b, c", kind=UserError)


def test_a_dataset_that_is_not_there_says_what_to_fetch(tmp_path, monkeypatch):
    gue = LabelledTable(name="gue_tf_1", train="gue/tf_1/train.csv")
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    refused(gue.prepare, tmp_path, "gue/tf_1/train.csv", "genolightning datasets fetch gue_tf_1", kind=DatasetMissing)
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "nowhere"))
    refused(gue.prepare, "no data root", "GENOLIGHTNING_DATA", kind=DatasetMissing)
    own = LabelledTable(train=tmp_path / "mine.csv")
    refused(own.prepare, tmp_path / "mine.csv", "dataset.train=FILE", kind=DatasetMissing)


@pytest.mark.real_data
def test_gue_is_read_as_published(data_root):
    folder = data_root / "gue" / "prom_core_notata"
    if not folder.is_dir():
        pytest.skip("the data root has no GUE")
    gue = LabelledTable(train=folder / "train.csv", validation=folder / "dev.csv", test=folder / "test.csv")
    text = gzip.decompress((folder / "test.csv.gz").read_bytes()).decode().splitlines()[1:]
    rows = gue.rows("test")
    assert (gue.kind, gue.classes, len(gue.rows("train").index)) == ("binary", ["0", "1"], 42452)
    assert np.array_equal(rows.codes.values, encode([line.split(",")[0] for line in text]).values)
    assert rows.target.tolist() == [int(line.split(",")[1]) for line in text]
