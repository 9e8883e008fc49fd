"""Rows divided into splits: each row in one split, by the seed, class by class."""

import numpy as np
import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data.partition import cut_rows, divide
from genolightning.data.settings import Splitting
from genolightning.errors import UserError
from tests.helpers.tiny import write_table


@pytest.fixture
def table(tmp_path):
    return LabelledTable(train=write_table(tmp_path / "t.csv", 100))


def rows_of(partition):
    return {split: entry.of(entry.table.index).tolist() for split, entry in partition.splits.items()}


def test_every_row_is_in_one_split_and_the_seed_decides_in_which(table):
    one, again, other = (rows_of(divide(table, Splitting(seed=seed))) for seed in (1, 1, 2))
    assert sorted([row for rows in one.values() for row in rows]) == list(range(100))
    assert [len(one[split]) for split in ("train", "validation", "test")] == [72, 8, 20]
    assert one == again != other


def test_a_smaller_share_of_train_lies_inside_a_larger_one(table):
    small, large = (set(rows_of(divide(table, Splitting(train_fraction=share)))["train"]) for share in (0.1, 0.5))
    assert small < large
    assert len(small) == 8


def test_origins_name_the_seed_where_rows_were_cut(table, tmp_path):
    with_test = LabelledTable(train=table._paths["train"], test=write_table(tmp_path / "test.csv", 20, seed=5))
    splits = divide(with_test, Splitting(seed=7, validation_fraction=0)).splits
    assert {split: entry.origin for split, entry in splits.items()} == {"test": "original", "train": "original"}
    splits = divide(with_test, Splitting(seed=7)).splits
    assert (splits["train"].origin, splits["validation"].origin) == ("random, seed 7", "random, seed 7")


def test_a_split_without_a_row_is_refused(table):
    with pytest.raises(UserError, match="no row left for validation"):
        divide(table, Splitting(validation_fraction=0.001))


def test_classes_keep_their_shares_in_what_is_cut():
    target = np.repeat([0, 1], [80, 20])
    left, cut = cut_rows(np.arange(100), target, 0.25, [1, 0])
    assert np.bincount(target[cut]).tolist() == [20, 5]
    assert sorted([*left, *cut]) == list(range(100))
    _, least = cut_rows(np.arange(100), target, 0.001, [1, 0], least=1)
    assert np.bincount(target[least]).tolist() == [1, 1]


def test_smaller_shares_lie_inside_larger_ones_class_by_class():
    target = np.array([0] * 40 + [1] * 160)
    few, more, all_rows = (cut_rows(np.arange(200), target, share, [1, 2], least=1)[1] for share in (0.01, 0.1, 1.0))
    assert set(few) <= set(more) <= set(all_rows)
    assert [len(few), len(more), len(all_rows)] == [1 + 2, 4 + 16, 200]
