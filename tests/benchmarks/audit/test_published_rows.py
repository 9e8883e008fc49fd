import pytest

from genolightning.benchmarks.audit.published_rows import fingerprint, read_published_rows
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.benchmarks.motifs import Motifs
from genolightning.errors import UserError
from tests.helpers.make import write


def test_rows_of_text_come_train_then_test_in_file_order(tmp_path):
    train = write(tmp_path / "train.csv", "sequence,label\nAC,b\nACG,a\n")
    test = write(tmp_path / "test.csv", "sequence,label\nT,a\n")
    benchmark = LabelledTable(train=train, test=test, classes=["a", "b"])
    rows = read_published_rows(benchmark)
    assert (rows.test.tolist(), rows.lengths.tolist(), rows.counts) == ([False, False, True], [2, 3, 1], [2, 1])
    assert (rows.target.tolist(), rows.classes, rows.intervals) == ([1, 0, 0], ["a", "b"], None)
    assert sorted(fingerprint(benchmark)) == ["test.csv", "train.csv"]


def test_a_split_without_a_file_cannot_be_audited(tmp_path):
    table = LabelledTable(train=write(tmp_path / "train.csv", "sequence,label\nAC,b\nACG,a\n"))
    with pytest.raises(UserError, match="has no test file"):
        read_published_rows(table)


def test_interval_tables_have_coordinates_and_bases(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path_factory.getbasetemp() / "motifs_cache"))
    rows = read_published_rows(Motifs())
    assert rows.counts == [6000, 1500]
    assert rows.notes == []
    assert not rows.unordered
    assert (rows.codes.lengths == rows.intervals.lengths).all()
    assert sorted(fingerprint(Motifs())) == ["test/negative", "test/positive", "train/negative", "train/positive"]
