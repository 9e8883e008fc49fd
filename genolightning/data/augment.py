"""Augmentation of whole batches, in numpy: the other strand and small shifts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.alphabet import COMPLEMENT, Codes, Packed


def other_strand(codes: Codes) -> Codes:
    """Reverse-complement every row; a Packed stays packed with the same offsets.

    >>> other_strand(np.array([[0, 0, 1]], np.uint8)).tolist()
    [[2, 3, 3]]
    """
    if not isinstance(codes, Packed):
        return COMPLEMENT[codes[:, ::-1]]
    # reversing the whole buffer reverses the rows' order too: put each row back where it was
    return Packed(COMPLEMENT[codes.values[_reversed_rows(codes.offsets)]], codes.offsets)


def _reversed_rows(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.diff(offsets)
    turn = offsets[:-1] + offsets[1:] - 1  # position p of a row becomes turn - p
    return np.repeat(turn, lengths) - np.arange(offsets[-1])


def reversed_targets(target: NDArray[Any], lengths: NDArray[np.int64], resolution_bp: int) -> NDArray[Any]:
    """Turn targets on bases or bins (rows, positions, ...) round with their sequence; padding stays right."""
    positions = np.arange(target.shape[1])
    real = -(-lengths // resolution_bp)
    source = real[:, None] - 1 - positions
    source = np.where(source >= 0, source, positions)
    return np.take_along_axis(target, source.reshape(source.shape + (1,) * (target.ndim - 2)), axis=1)


def shift(rows: NDArray[Any], by: NDArray[np.int64], fill: float, lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Move row i by `by[i]` positions to the left (right where negative); what is vacated becomes `fill`, and so does
    what would lie beyond the row's own length.

    >>> shift(np.array([[0, 1, 2, 4]], np.uint8), np.array([-1]), 4, np.array([3])).tolist()
    [[4, 0, 1, 4]]
    """
    place = np.arange(rows.shape[1])
    source = place + by[:, None]
    inside = (source >= 0) & (source < rows.shape[1]) & (place < lengths[:, None])
    shape = source.shape + (1,) * (rows.ndim - 2)
    moved = np.take_along_axis(rows, source.clip(0, rows.shape[1] - 1).reshape(shape), axis=1)
    return np.where(inside.reshape(shape), moved, np.asarray(fill, rows.dtype))
