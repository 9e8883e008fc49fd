"""The encoded store: built once, never half, and never trusted when it is damaged."""

import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data.encoded_split import check_split, open_split, remove_splits_of, split_key
from genolightning.errors import UserError
from tests.helpers.tiny import write_table


@pytest.fixture
def table(tmp_path):
    return LabelledTable(train=write_table(tmp_path / "t.csv", 30))


def folder(benchmark):
    return Path(os.environ["GENOLIGHTNING_CACHE"]) / "stores" / split_key(benchmark, "train")[:32]


def damage(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_store_is_built_once(table, monkeypatch):
    first = open_split(table, "train")
    monkeypatch.setattr(table, "rows", None)
    assert np.array_equal(first.codes.values, open_split(table, "train").codes.values)


def test_a_store_that_lost_bytes_is_built_anew(table):
    codes = np.array(open_split(table, "train").codes.values)
    for name in ("codes.npy", "notes.json", "ids.npy"):
        path = folder(table) / name
        path.write_bytes(path.read_bytes()[:-7])
        assert np.array_equal(open_split(table, "train").codes.values, codes)


def test_a_check_finds_a_changed_byte_and_mends_it(table):
    codes = np.array(open_split(table, "train").codes.values)
    assert check_split(table, "train") == "whole"
    for name in ("codes.npy", "target.npy"):
        damage(folder(table) / name)
        assert check_split(table, "train") == "rebuilt"
    assert np.array_equal(open_split(table, "train").codes.values, codes)
    assert check_split(table, "train") == "whole"


def test_rows_that_are_open_stay_readable_while_their_store_is_mended(table):
    store = open_split(table, "train")
    damage(folder(table) / "target.npy")
    check_split(table, "train")
    assert store.codes.padded().shape == (30, 60)
    assert set(np.unique(store.codes.values)) <= {0, 1, 2, 3}


def test_stores_of_a_file_are_forgotten_by_its_checksum(table, tmp_path):
    other = LabelledTable(train=write_table(tmp_path / "other.csv", 20, seed=5))
    open_split(table, "train"), open_split(other, "train")
    (checksum,) = table.sha256("train").values()
    assert remove_splits_of(checksum) == 1
    assert not folder(table).exists()
    assert folder(other).exists()


def test_a_full_disk_is_one_line_and_leaves_no_store(table):
    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit(1000)
    try:
        with pytest.raises(UserError, match="cannot be written.*GENOLIGHTNING_CACHE=FOLDER"):
            open_split(table, "train")
    finally:
        limit(resource.RLIM_INFINITY)
        signal.signal(signal.SIGXFSZ, before)
    assert not [path for path in folder(table).parent.iterdir() if path.is_dir()]
    assert open_split(table, "train").codes.padded().shape == (30, 60)


def test_rows_of_unequal_length_come_back_as_they_were_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sequence,label\nACGT,a\nAC,b\n")
    codes = open_split(LabelledTable(train=path), "train").codes
    assert not codes.even
    assert codes.offsets.tolist() == [0, 4, 6]
    assert json.loads((folder(LabelledTable(train=path)) / "notes.json").read_text())["files"]["codes.npy"]["bytes"] > 6
