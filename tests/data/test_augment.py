"""Targets of the other strand, and shifts: turning twice gives back the target, a shift never invents a label."""

import numpy as np
import pytest

from genolightning.data.augment import no_label, permute_classes, reverse_targets, shift
from genolightning.facts import NO_LABEL

random = np.random.default_rng(0)


@pytest.mark.parametrize("resolution_bp", [1, 4])
@pytest.mark.parametrize("tracks", [(), (3,)])
def test_reversing_targets_twice_gives_them_back(resolution_bp, tracks):
    lengths = np.array([0, 1, 9, 12, 12])
    target = random.normal(size=(5, 12 // resolution_bp, *tracks))
    once = reverse_targets(target, lengths, resolution_bp)
    np.testing.assert_array_equal(reverse_targets(once, lengths, resolution_bp), target)
    np.testing.assert_array_equal(once[3], target[3, ::-1])


def test_padding_of_a_target_stays_on_the_right():
    target = np.array([[5, 6, 7, NO_LABEL, NO_LABEL]])
    assert reverse_targets(target, np.array([5]), 2).tolist() == [[7, 6, 5, NO_LABEL, NO_LABEL]]


def test_class_numbers_are_replaced_and_columns_moved_by_the_same_permutation():
    permutation = [2, 0, 1]
    classes = random.integers(0, 3, (4, 6))
    columns = np.eye(3)[classes]
    np.testing.assert_array_equal(
        permute_classes(columns, permutation, by_column=True).argmax(-1),
        permute_classes(classes, permutation, by_column=False),
    )


def test_values_that_are_no_classes_stay_and_the_input_is_not_written_to():
    values = np.array([0.5, 1.5])
    assert permute_classes(values, [1, 0], by_column=False) is values
    classes = np.array([0, 1, NO_LABEL], np.int8)
    swapped = permute_classes(classes, [1, 0], by_column=False)
    assert (swapped.tolist(), swapped.dtype) == ([1, 0, NO_LABEL], np.int8)
    assert classes.tolist() == [0, 1, NO_LABEL]


def test_no_label_is_nan_for_numbers_and_minus_100_for_classes():
    assert np.isnan(no_label(np.zeros(1, np.float32)))
    assert no_label(np.zeros(1, np.int16)) == NO_LABEL


@pytest.mark.parametrize("by", [-20, -3, 0, 2, 20])
def test_a_shift_is_what_slicing_and_padding_make(by):
    rows, lengths = random.integers(0, 4, (6, 10)).astype(np.uint8), np.array([0, 1, 5, 9, 10, 10])
    rows[np.arange(10) >= lengths[:, None]] = 4
    moved = shift(rows, np.full(6, by), 4, lengths)
    for row, out, length in zip(rows.tolist(), moved.tolist(), lengths.tolist(), strict=True):
        padded = [4] * 20 + row + [4] * 20
        assert out == padded[20 + by : 20 + by + length] + [4] * (10 - length)


def test_each_row_has_its_own_shift_and_tracks_move_together():
    rows = random.normal(size=(2, 5, 3)).astype(np.float32)
    moved = shift(rows, np.array([1, -2]), float("nan"), np.array([5, 5]))
    np.testing.assert_array_equal(moved[0, :4], rows[0, 1:])
    np.testing.assert_array_equal(moved[1, 2:], rows[1, :3])
    assert np.isnan(moved[0, 4:]).all()
    assert np.isnan(moved[1, :2]).all()
    assert moved.dtype == rows.dtype
