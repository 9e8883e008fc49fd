"""A check of a dataset's files: each part has a state, damage in the cache is repaired, other faults raise."""

import gzip
import hashlib

import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data.datamodule import SequenceDataModule
from genolightning.data.integrity import check_files
from genolightning.errors import ChecksumMismatch, UserError
from genolightning.paths import cache_dir
from tests.helpers.make import write
from tests.helpers.tiny import write_table


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(folder))
    return folder


@pytest.fixture
def data(root) -> SequenceDataModule:
    write_table(root / "t.csv", 30)
    return SequenceDataModule(LabelledTable(train=root / "t.csv", name="toy"))


def states(data: SequenceDataModule, published: dict[str, str]) -> dict[str, str]:
    parts: list[dict[str, str]] = []
    check_files(data, published, parts)
    return {one["part"]: one["state"] for one in parts}


def file_of(data: SequenceDataModule) -> str:
    (file,) = data.benchmark.sha256("train")
    return file


def test_a_file_is_as_published_or_has_no_checksum(data):
    file = file_of(data)
    assert states(data, {})[file] == "there, no published checksum"
    assert states(data, {file: data.benchmark.sha256("train")[file]})[file] == "as published"


def test_a_changed_file_raises_after_everything_was_checked(data):
    parts: list[dict[str, str]] = []
    with pytest.raises(ChecksumMismatch, match="genolightning datasets fetch toy"):
        check_files(data, {file_of(data): "0" * 64}, parts)
    assert [one["state"] for one in parts] == ["changed", "built"]


def test_encoded_rows_are_built_then_whole_then_rebuilt_from_damage(data):
    assert states(data, {})["encoded train rows"] == "built"
    assert states(data, {})["encoded train rows"] == "whole"
    (codes,) = cache_dir().glob("stores/*/codes.npy")
    content = bytearray(codes.read_bytes())
    content[-1] ^= 1
    codes.chmod(0o644)
    codes.write_bytes(content)
    assert states(data, {})["encoded train rows"] == "rebuilt"


def test_a_published_checksum_may_be_that_of_the_unpacked_file(root):
    text = write_table(root / "t.csv", 30).read_bytes()
    file = write(root / "t.csv.gz", text)
    assert gzip.decompress(file.read_bytes()) == text
    data = SequenceDataModule(LabelledTable(train=file, name="toy"))
    found = states(data, {"t.csv": hashlib.sha256(text).hexdigest()})
    assert found[file_of(data)] == "as published"


def test_a_missing_file_raises(root):
    data = SequenceDataModule(LabelledTable(train=root / "none.csv", name="toy"))
    with pytest.raises(UserError, match=r"none\.csv"):
        states(data, {})
