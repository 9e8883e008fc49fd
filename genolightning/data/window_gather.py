"""Gather windows of one long array of base codes: rows of a packed table, or stretches of a genome."""

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.alphabet import N

BLOCK_BYTES = 1 << 16  # rows reversed at a time: what stays in the processor's cache


def gather_windows(
    values: NDArray[np.uint8],
    start: NDArray[np.int64],
    length_bp: int,
    bounds: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    backward: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Copy `values[start[i]:start[i] + length_bp]` for every i into one matrix, uint8 (n, length_bp).

    `values` is uint8 (total,), `start` int64 (n,). `bounds` are (first, one past the last) position that belongs to
    each window, both int64 (n,): what a window covers outside them becomes 4, and windows may then reach beyond
    `values`. Rows marked in `backward`, bool (n,), are reverse-complemented.

    >>> gather_windows(np.array([0, 1, 2, 3], np.uint8), np.array([1]), 2).tolist()
    [[1, 2]]
    >>> low, high = np.array([0, 1]), np.array([3, 4])
    >>> gather_windows(np.array([0, 1, 2, 3], np.uint8), np.array([1, 0]), 3, (low, high)).tolist()
    [[1, 2, 4], [4, 1, 2]]
    """
    if not len(start) or not length_bp:
        return np.empty((len(start), length_bp), np.uint8)
    last_start = len(values) - length_bp
    if bounds is None:
        codes = _copied(values, start, length_bp)
    else:
        inside = start.clip(0, last_start) if last_start >= 0 else np.zeros(0, np.int64)
        codes = _copied(values, inside, length_bp) if last_start >= 0 else np.empty((len(start), length_bp), np.uint8)
        beyond = np.flatnonzero((start < 0) | (start > last_start))
        for row in beyond.tolist():
            first, end = max(int(start[row]), 0), min(int(start[row]) + length_bp, len(values))
            if first < end:  # else the window holds no base at all
                codes[row, first - start[row] : end - start[row]] = values[first:end]
        _mask_outside(codes, start, bounds)
    if backward is not None:
        turn_rows(codes, np.flatnonzero(backward))
    return codes


def turn_rows(codes: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
    """Reverse-complement some rows of uint8 (n, length), int64 (rows,), in place."""
    block = max(1, BLOCK_BYTES // max(codes.shape[1], 1))
    for first in range(0, len(rows), block):
        part = rows[first : first + block]
        forward = codes[part]
        codes[part] = (forward ^ ((forward < N).view(np.uint8) * np.uint8(3)))[:, ::-1]


def _copied(values: NDArray[np.uint8], start: NDArray[np.int64], length_bp: int) -> NDArray[np.uint8]:
    # every position begins one item of `length_bp` bytes, so that indexing copies whole windows
    every = np.ndarray((len(values) - length_bp + 1,), f"V{length_bp}", values.data, strides=(1,))
    return every[start].view(np.uint8).reshape(len(start), length_bp)


def _mask_outside(
    codes: NDArray[np.uint8], start: NDArray[np.int64], bounds: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> None:
    length_bp = codes.shape[1]
    before = (bounds[0] - start).clip(0, length_bp).astype(np.int32)
    after = (bounds[1] - start).clip(0, length_bp).astype(np.int32)
    column = np.arange(length_bp, dtype=np.int32)
    if (after < length_bp).any():
        np.copyto(codes, N, where=column >= after[:, None])
    if before.any():
        np.copyto(codes, N, where=column < before[:, None])
