import pytest

from genolightning.benchmarks.files import existing, missing_file, shown
from genolightning.errors import DatasetMissing
from tests.helpers.make import write


def test_a_file_is_found_with_or_without_gz(tmp_path):
    plain, zipped = write(tmp_path / "a.csv", "x"), write(tmp_path / "b.csv.gz", "x")
    assert existing(tmp_path / "a.csv.gz") == plain
    assert existing(tmp_path / "b.csv") == zipped
    assert existing(tmp_path / "c.csv") is None


def test_a_missing_file_is_answered_with_what_to_fetch(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing, match="datasets fetch gb_x"):
        missing_file("gb_x", "a/b.csv")
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "absent"))
    with pytest.raises(DatasetMissing, match="set GENOLIGHTNING_DATA"):
        missing_file("gb_x", "a/b.csv")


def test_records_name_files_within_the_data_root_by_their_place(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    assert shown(tmp_path / "gue" / "a.csv") == "gue/a.csv"
    assert shown(tmp_path.parent / "own.csv") == "own.csv"
