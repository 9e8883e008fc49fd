"""Weighted scores of rankings: AUROC, average precision and Spearman's correlation, ties exact, in float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.statistics.bootstrap import Array, ResamplingUnits, Scorer
from genolightning.statistics.scorers import macro_scores

_TILE = 2**18  # numbers worked on at once: 2 MB stay in a core's cache


def rank_scores(positive: NDArray[np.bool_], score: NDArray[Any], units: ResamplingUnits) -> Scorer:
    """AUROC and average precision of one score, float64 (items,), with `positive` bool (items,).

    Ties are exact: half a pair each, and one step of the curve (Fawcett 2006; Davis & Goadrich 2006).

    AUROC is NaN with one class only; AUPRC is NaN without a positive (with positives only it is 1).
    """
    steps, tied_groups = _steps(positive, score)
    count = int(steps[positive].max(initial=-1)) + 1
    blocks = _blocks([positive, ~positive & (steps < count), ~positive & tied_groups], steps, units, count)
    positives = np.bincount(units.unit[positive], minlength=units.number).astype(np.float64)
    negatives = np.bincount(units.unit[~positive], minlength=units.number).astype(np.float64)

    def scores(weights: Array) -> dict[str, Array]:
        all_true, all_false = positives @ weights, negatives @ weights
        true, false, pairs, precision = np.zeros((4, weights.shape[1]))
        for up, across, tied in blocks:
            gained = up @ weights
            true_by_now = np.cumsum(gained, axis=0)
            true_by_now += true
            false_by_now = np.cumsum(across @ weights, axis=0)
            false_by_now += false
            true, false = true_by_now[-1].copy(), false_by_now[-1].copy()
            beaten = all_false - false_by_now
            if tied.nnz:
                beaten += (tied @ weights) / 2
            pairs += np.einsum("gr,gr->r", gained, beaten)
            false_by_now += true_by_now
            np.maximum(false_by_now, 1, out=false_by_now)  # 0 / 0 before the first item drawn: a step of no height
            true_by_now /= false_by_now
            precision += np.einsum("gr,gr->r", gained, true_by_now)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"auroc": pairs / (all_true * all_false), "auprc": precision / all_true}

    return scores


def _steps(positive: NDArray[np.bool_], score: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cut the ranking, best first, after every value that holds a positive: only there do the curves' sums grow.

    Returns each item's step (items,), and whether a positive has its very value.
    """
    values, value = np.unique(-score, return_inverse=True)
    holds = np.zeros(len(values), dtype=np.int64)
    holds[value[positive]] = 1
    return (np.cumsum(holds) - holds)[value], holds[value] == 1


def _blocks(
    members: list[NDArray[np.bool_]], steps: NDArray[Any], units: ResamplingUnits, count: int
) -> list[list[Any]]:
    """Sparse (steps, units) counts of the items in each of `members`, cut into runs of steps that fit the cache."""
    from scipy.sparse import csr_array

    shape = (count, units.number)
    whole = []
    for member in members:
        ones = np.ones(int(member.sum()))
        whole.append(csr_array((ones, (steps[member], units.unit[member])), shape=shape))
    rows = _TILE // 128
    return [[matrix[start : start + rows] for matrix in whole] for start in range(0, count, rows)]


def ranks_of_classes(target: NDArray[np.int64], prediction: NDArray[Any], units: ResamplingUnits) -> Scorer:
    """AUROC and AUPRC of class 1 for two classes, else the mean of one class against the rest, of classes that occur.

    `target` int64 (items,), `prediction` (items,) of class 1 or (items, classes).
    """
    if prediction.ndim == 1 or prediction.shape[1] == 2:
        score = prediction if prediction.ndim == 1 else prediction[:, 1]
        return rank_scores(target == 1, score, units)
    return macro_scores(rank_scores(target == k, prediction[:, k], units) for k in range(prediction.shape[1]))


def spearman_scores(target: Array, prediction: Array, units: ResamplingUnits) -> Scorer:
    """Spearman's rank correlation of float64 (items,), ties at their middle rank. NaN where either is constant."""
    rankings = [_ranking(target, units), _ranking(prediction, units)]

    def some(weights: Array) -> Array:
        places, spreads = [], []
        for group, per_group in rankings:
            mass = per_group @ weights
            place = np.cumsum(mass, axis=0)
            place -= mass / 2
            place -= mass.sum(0) / 2  # middle rank, counted from the middle
            places.append((group, place))
            spreads.append(np.einsum("gr,gr,gr->r", mass, place, place))
        together = np.zeros(weights.shape[1])
        (group_x, x), (group_y, y) = places
        step = max(1, _TILE // weights.shape[1])
        for start in range(0, len(units.unit), step):
            part = slice(start, start + step)
            together += np.einsum("ir,ir,ir->r", x[group_x[part]], y[group_y[part]], weights[units.unit[part]])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.clip(together / (np.sqrt(spreads[0]) * np.sqrt(spreads[1])), -1, 1))

    def score(weights: Array) -> dict[str, Array]:
        columns = max(1, 2**22 // len(units.unit))
        parts = range(0, weights.shape[1], columns)
        return {"spearman": np.concatenate([some(np.ascontiguousarray(weights[:, i : i + columns])) for i in parts])}

    return score


def _ranking(values: Array, units: ResamplingUnits) -> tuple[NDArray[np.int64], Any]:
    """Each item's group of equal values, in rising order, and sparse (groups, units) counts."""
    from scipy.sparse import csr_array

    distinct, group = np.unique(values, return_inverse=True)
    return group, csr_array((np.ones(len(group)), (group, units.unit)), shape=(len(distinct), units.number))
