import os

import pytest

from genolightning.errors import UserError
from genolightning.storage.atomic import atomic_folder, atomic_write, remove_folder, write_errors
from tests.helpers.make import write


def fail_half_way(path):
    with atomic_write(path) as part:
        part.write_text("half of the n")
        raise OSError(28, "No space left on device")


def test_an_atomic_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "record.json", "old")
    with pytest.raises(UserError, match=r"record.json cannot be written: No space left on device; make room"):
        fail_half_way(path)
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]
    assert path.read_text() == "old"


def test_the_temporary_name_differs_each_time_and_keeps_the_suffix(tmp_path):
    with atomic_write(tmp_path / "a.csv.gz") as one, atomic_write(tmp_path / "a.csv.gz") as other:
        assert one != other
        assert one.name.endswith("a.csv.gz")
        one.write_text("1")
        other.write_text("2")
    assert os.listdir(tmp_path) == ["a.csv.gz"]


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(UserError, match="is a folder; name a file"), atomic_write(tmp_path):
        pass


def test_a_folder_appears_when_all_of_it_is_written(tmp_path):
    with atomic_folder(tmp_path / "out") as draft:
        write(draft / "a.txt", "a")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_holds_something_is_replaced_only_where_asked(tmp_path):
    write(tmp_path / "out" / "old.txt", "old")
    with pytest.raises(UserError, match="exists already"), atomic_folder(tmp_path / "out"):
        pass
    with atomic_folder(tmp_path / "out", replace=True) as draft:
        write(draft / "new.txt", "new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.txt"]


def test_another_error_passes_and_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), atomic_folder(tmp_path / "out") as draft:
        raise KeyError(draft)
    assert not list(tmp_path.iterdir())


def test_a_removed_folder_is_gone(tmp_path):
    write(tmp_path / "out" / "a.txt", "a")
    remove_folder(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_fix_of_a_write_error_is_the_callers():
    with pytest.raises(UserError, match="rows cannot be written: full; buy one"), write_errors("rows", "buy one"):
        raise OSError("full")
