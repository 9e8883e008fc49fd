"""Windows gathered at once are those that slicing gives, whatever lies outside."""

import numpy as np
import pytest

from genolightning.data import window_gather
from genolightning.data.window_gather import gather_windows, turn_rows
from genolightning.genome.alphabet import N, reverse_complement

random = np.random.default_rng(0)


def values(total: int = 200) -> np.ndarray:
    return random.integers(0, 5, total).astype(np.uint8)


def sliced(values: np.ndarray, start: int, length: int, low: int, high: int) -> list[int]:
    return [int(values[at]) if low <= at < high else N for at in range(start, start + length)]


@pytest.mark.parametrize("length", [1, 7, 200])
def test_windows_inside_the_values_are_their_slices(length):
    codes, start = values(), random.integers(0, 201 - length, 30)
    expected = [codes[at : at + length].tolist() for at in start]
    assert gather_windows(codes, start, length).tolist() == expected


@pytest.mark.parametrize("total", [5, 40])
def test_what_lies_outside_a_windows_bounds_is_n_even_beyond_the_values(total):
    codes, start = values(total), random.integers(-60, total + 40, 60)  # some reach beyond the values, some lie outside
    low = random.integers(0, total, 60)
    high = low + random.integers(0, total - low + 1)
    gathered = gather_windows(codes, start, 20, (low, high))
    assert gathered.tolist() == [sliced(codes, *row) for row in zip(start, [20] * 60, low, high, strict=True)]


def test_marked_rows_are_read_from_the_other_strand(monkeypatch):
    monkeypatch.setattr(window_gather, "BLOCK_BYTES", 25)  # two rows at a time
    codes, start, backward = values(), random.integers(0, 190, 9), np.arange(9) % 3 != 1
    forward = gather_windows(codes, start, 10)
    turned = gather_windows(codes, start, 10, None, backward)
    np.testing.assert_array_equal(turned, np.where(backward[:, None], reverse_complement(forward), forward))


def test_turning_rows_twice_gives_them_back_and_leaves_the_others():
    codes = values(60).reshape(6, 10)
    once = codes.copy()
    turn_rows(once, np.array([4, 1]))
    np.testing.assert_array_equal(once[[0, 2, 3, 5]], codes[[0, 2, 3, 5]])
    turn_rows(once, np.array([1, 4]))
    np.testing.assert_array_equal(once, codes)


@pytest.mark.parametrize(("rows", "length"), [(0, 5), (3, 0), (0, 0)])
def test_no_rows_and_no_bases_are_an_empty_matrix(rows, length):
    gathered = gather_windows(values(), np.zeros(rows, np.int64), length)
    assert (gathered.shape, gathered.dtype) == ((rows, length), np.uint8)


def test_the_values_are_copied_not_shared():
    codes = values(20)
    gathered = gather_windows(codes, np.array([0]), 20)
    gathered[:] = N
    assert (codes != N).any()
