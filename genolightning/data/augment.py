"""Targets of the other strand, and small shifts, for whole batches in numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.facts import NO_LABEL


def reverse_targets(target: NDArray[Any], lengths: NDArray[np.int64], resolution_bp: int) -> NDArray[Any]:
    """Reverse targets of bases or bins, (rows, positions, ...), within each row's own length; padding stays right.

    `lengths` are in bp, int64 (rows,).

    >>> reverse_targets(np.array([[1, 2, -100]]), np.array([2]), 1).tolist()
    [[2, 1, -100]]
    """
    positions = np.arange(target.shape[1])
    real = -(-lengths // resolution_bp)
    source = real[:, None] - 1 - positions
    source = np.where(source >= 0, source, positions)
    return np.take_along_axis(target, source.reshape(source.shape + (1,) * (target.ndim - 2)), axis=1)


def permute_classes(target: NDArray[Any], reverse_complement: Sequence[int], *, by_column: bool) -> NDArray[Any]:
    """Targets of the other strand, where class or column i becomes `reverse_complement[i]`.

    Class numbers (integers of any shape) are replaced, and "no label" stays. With `by_column` the columns of targets
    (rows, columns) or (rows, bins, columns), one a label or track, are reordered instead.

    >>> permute_classes(np.array([2, 0, -100]), [0, 2, 1], by_column=False).tolist()
    [1, 0, -100]
    >>> permute_classes(np.array([[0.5, 0.1, 0.2]]), [0, 2, 1], by_column=True).tolist()
    [[0.5, 0.2, 0.1]]
    """
    if by_column:
        permuted = np.empty_like(target)
        permuted[..., list(reverse_complement)] = target
        return permuted
    if not np.issubdtype(target.dtype, np.integer):
        return target
    becomes = np.asarray(reverse_complement, target.dtype)
    return np.where(target == NO_LABEL, target, becomes[target.clip(0)])


def no_label(target: NDArray[Any]) -> float:
    """The value for "no label" in targets of this dtype: NaN for float32 or float64, -100 for integers."""
    return float("nan") if np.issubdtype(target.dtype, np.floating) else NO_LABEL


def shift(rows: NDArray[Any], by: NDArray[np.int64], fill: float, lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Move row i by `by[i]` positions to the left (right where negative); what is vacated becomes `fill`, and so does
    what would be beyond the row's own length.

    >>> shift(np.array([[0, 1, 2, 4]], np.uint8), np.array([-1]), 4, np.array([3])).tolist()
    [[4, 0, 1, 4]]
    """
    place = np.arange(rows.shape[1])
    source = place + by[:, None]
    inside = (source >= 0) & (source < rows.shape[1]) & (place < lengths[:, None])
    shape = source.shape + (1,) * (rows.ndim - 2)
    moved = np.take_along_axis(rows, source.clip(0, rows.shape[1] - 1).reshape(shape), axis=1)
    return np.where(inside.reshape(shape), moved, np.asarray(fill, rows.dtype))
