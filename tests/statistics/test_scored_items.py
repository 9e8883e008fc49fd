"""Rows become scored items: one a row, or one a base or bin, without those that have no label."""

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.statistics.scored_items import flatten_predictions, resampling_units


def test_bases_of_rows_are_concatenated_and_know_their_row():
    items = flatten_predictions("binary", [[0, 1, -100], [1]], [[0.1, 0.8, 0.3], [0.6]])
    assert items.target.tolist() == [0, 1, 1]
    assert items.prediction.tolist() == [0.1, 0.8, 0.6]
    assert (items.row.tolist(), items.rows) == ([0, 0, 1], 2)


def test_an_array_of_positions_gives_the_same_items_as_a_list_of_rows():
    target, p = np.array([[0, 1], [1, -100]]), np.array([[0.5, 0.25], [0.75, 1]])
    dense, ragged = flatten_predictions("binary", target, p), flatten_predictions("binary", [*target], [*p])
    assert all(np.array_equal(one, other) for one, other in zip(dense, ragged, strict=True))


def test_labels_that_are_known_in_part_keep_their_row():
    items = flatten_predictions("multilabel", [[1, -100], [-100, -100]], [[0.5, 0.5], [0.5, 0.5]])
    assert items.target.tolist() == [[1, -100]]


def test_units_are_rows_or_the_clusters_of_rows_that_have_items():
    items = flatten_predictions("binary", [[0, 1], [1, 1], [-100, -100]], [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    rows = resampling_units(items, None)
    assert (rows.unit.tolist(), rows.number) == ([0, 0, 1, 1], 2)
    assert resampling_units(items, ["a", "a", "b"]).number == 1
    assert rows.at(np.array([3])).unit.tolist() == [1]


@pytest.mark.parametrize(
    ("kind", "target", "prediction", "reason"),
    [
        ("nothing", [0], [0.5], "kind 'nothing'"),
        ("binary", [0, 2], [0.5, 0.5], r"found 2 in row 1"),
        ("binary", [0, 1], [0.5, 3.0], r"found 3.0 in row 1"),
        ("binary", [[0, 1], [1]], [[0.5, 0.5], [0.5, 0.5]], "part at row 1"),
        ("multiclass", [0, 1], [0.5, 0.5], "do not fit multiclass"),
        ("regression", [0.0, 1.0], [0.5, np.inf], "found inf in row 1"),
        ("binary", [-100], [0.5], "found none in any row"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_row(kind, target, prediction, reason):
    with pytest.raises(BadTable, match=reason):
        flatten_predictions(kind, target, prediction)
