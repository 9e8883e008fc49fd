"""DeLong's test: do two scores of the same rows differ in AUROC? In the O(n log n) form of Sun & Xu (2014)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from genolightning.errors import BadTable
from genolightning.statistics.bootstrap import Array


class DeLong(NamedTuple):
    """AUROCs (scores,) and the covariance (scores, scores) of their sampling error."""

    auroc: Array
    covariance: Array


class DeLongTest(NamedTuple):
    """Two AUROCs, their difference first - second with its 95 % interval, and the two-sided test of no difference."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    z: float
    p: float


def delong(target: ArrayLike, scores: ArrayLike) -> DeLong:
    """AUROCs of `scores` (scores, n), or (n,) for one, against `target` (n,) of 0 and 1, and their covariance.

    DeLong, DeLong & Clarke-Pearson (1988), from midranks. Raises BadTable with fewer than two rows of either class.

    >>> delong([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8]).auroc.tolist()
    [0.875]
    """
    actual, values = np.asarray(target), np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if actual.shape != values.shape[1:] or not np.isin(actual, (0, 1)).all() or not np.isfinite(values).all():
        raise BadTable(
            f"Targets 0 or 1 and finite scores of the same rows are wanted, found {actual.shape} and {values.shape}."
        )
    positive, negative = values[:, actual == 1], values[:, actual == 0]
    m, n = positive.shape[1], negative.shape[1]
    if min(m, n) < 2:
        raise BadTable(
            f"Two rows of each class are wanted, found {m} of class 1 and {n} of class 0: use a larger test set."
        )
    # a row's rank among all less its rank among its own class is how many of the other class it beats, ties half
    beaten = (_midranks(np.hstack([positive, negative]))[:, :m] - _midranks(positive)) / n
    beating = 1 - (_midranks(np.hstack([positive, negative]))[:, m:] - _midranks(negative)) / m
    return DeLong(beaten.mean(axis=1), np.atleast_2d(np.cov(beaten)) / m + np.atleast_2d(np.cov(beating)) / n)


def delong_test(target: ArrayLike, first: ArrayLike, second: ArrayLike) -> DeLongTest:
    """Compare two scores (n,) of the same rows, z and two-sided p from the normal law.

    Equal AUROCs have p = 1, even where neither varies (two perfect rankings); different ones that do not vary have 0.
    """
    (one, other), covariance = delong(target, np.stack([np.asarray(first), np.asarray(second)]))
    difference = float(one - other)
    error = math.sqrt(max(float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), 0.0))
    z = difference / error if error > 0 else math.copysign(math.inf, difference)
    z = z if difference else 0.0
    p = math.erfc(abs(z) / math.sqrt(2))
    reach = 1.959963984540054 * error
    return DeLongTest(float(one), float(other), difference, difference - reach, difference + reach, z, p)


def _midranks(values: Array) -> Array:
    """Ranks from 1 along the last axis, ties at their middle."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=-1), dtype=np.float64)
