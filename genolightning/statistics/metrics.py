"""Scores of predictions, in float64. Each exists once, weighted; the plain score has every weight 1.

A scorer is made once from the data (this is where sorting happens) and then asked with weights (units, resamples), the
number of times each unit is in each resample; it answers {name: (resamples,)}. A unit is what a bootstrap draws: a
row, or a cluster. Items are what is scored: one a unit, or many (the bases of a sequence); `Units` says whose they are.

A score that does not exist is NaN, never a made-up number; each function says when. Numbers must be finite and items
without a label left out beforehand: `evaluate` does both.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Scorer = Callable[[Array], dict[str, Array]]

CLIP = 1e-12  # a probability of the truth below this counts as this
_TILE = 2**18  # numbers worked on at once: 2 MB stay in a core's cache


class Units(NamedTuple):
    """Whose each item is: `unit` (items,) is 0 .. `number` - 1."""

    unit: NDArray[np.int64]
    number: int

    def at(self, items: NDArray[Any]) -> "Units":
        """The same units, fewer items."""
        return Units(self.unit[items], self.number)


def each(items: int) -> Units:
    """Every item is its own unit."""
    return Units(np.arange(items), items)


def class_scores(target: NDArray[Any], predicted: NDArray[Any], num_classes: int, units: Units) -> Scorer:
    """Accuracy, F1 and MCC of class ids (items,) in 0 .. num_classes - 1.

    F1 is of class 1 if there are two classes (0 if class 1 neither occurs nor is predicted), else the mean over the
    classes that occur or are predicted. MCC is Gorodkin's (2004), which is the usual one for two classes, and 0 where
    it is undefined (one class only, in the target or in the predictions). NaN without any item.
    """

    def table(items: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        cells = labels[items] * units.number + units.unit[items]
        return np.bincount(cells, minlength=num_classes * units.number).reshape(num_classes, units.number)

    all_items = np.ones(len(target), dtype=bool)
    tables = [table(target == predicted, target), table(all_items, target), table(all_items, predicted)]
    per_unit = np.concatenate(tables).astype(np.float64)

    def score(weights: Array) -> dict[str, Array]:
        hits, actual, guessed = (per_unit @ weights).reshape(3, num_classes, -1)
        total = actual.sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_class = 2 * hits / (actual + guessed)
            accuracy = hits.sum(0) / total
            by_chance = (actual * guessed).sum(0)
            spread = np.sqrt(total**2 - (actual**2).sum(0)) * np.sqrt(total**2 - (guessed**2).sum(0))
            mcc = np.where(spread > 0, (hits.sum(0) * total - by_chance) / spread, 0.0)
        f1 = np.nan_to_num(by_class[1]) if num_classes == 2 else mean_of_defined(by_class)
        return {"accuracy": accuracy, "f1": f1, "mcc": np.where(total > 0, mcc, np.nan)}

    return score


def rank_scores(positive: NDArray[np.bool_], score: NDArray[Any], units: Units) -> Scorer:
    """AUROC and average precision of one score (items,), ties exact: half a pair each, and one step of the curve.

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


def _blocks(members: list[NDArray[np.bool_]], steps: NDArray[Any], units: Units, count: int) -> list[list[Any]]:
    """Sparse (steps, units) counts of the items in each of `members`, cut into runs of steps that fit the cache."""
    from scipy.sparse import csr_array

    shape = (count, units.number)
    whole = []
    for member in members:
        ones = np.ones(int(member.sum()))
        whole.append(csr_array((ones, (steps[member], units.unit[member])), shape=shape))
    rows = _TILE // 128
    return [[matrix[start : start + rows] for matrix in whole] for start in range(0, count, rows)]


def mean_scores(values: dict[str, Array], units: Units, *, over: NDArray[Any] | None = None) -> Scorer:
    """Means of per-item values (items,), such as losses; `over` (items,) divides by its sum instead of by the items."""
    sums = np.stack([np.bincount(units.unit, weights=value, minlength=units.number) for value in values.values()])
    counts = np.bincount(units.unit, weights=over, minlength=units.number).astype(np.float64)

    def score(weights: Array) -> dict[str, Array]:
        with np.errstate(divide="ignore", invalid="ignore"):
            means = (sums @ weights) / (counts @ weights)
        return dict(zip(values, means, strict=True))

    return score


def moment_scores(target: Array, prediction: Array, units: Units) -> Scorer:
    """Pearson's r and the coefficient of determination. NaN where the target, or for r either, is constant."""
    # around the medians: nothing cancels, and a constant becomes exactly 0
    x, y = target - np.median(target), prediction - np.median(prediction)
    columns = [np.ones_like(x), x, y, x * x, y * y, x * y, (target - prediction) ** 2]
    sums = np.stack([np.bincount(units.unit, weights=column, minlength=units.number) for column in columns])

    def score(weights: Array) -> dict[str, Array]:
        with np.errstate(divide="ignore", invalid="ignore"):
            n, x, y, xx, yy, xy, errors = sums @ weights
            spread_x, spread_y = xx - x * x / n, yy - y * y / n
            # one value drawn again and again leaves rounding noise instead of 0
            spread_x[spread_x <= 1e-12 * xx] = np.nan
            spread_y[spread_y <= 1e-12 * yy] = np.nan
            pearson = np.clip((xy - x * y / n) / (np.sqrt(spread_x) * np.sqrt(spread_y)), -1, 1)
            return {"pearson": pearson, "r2": 1 - errors / spread_x}

    return score


def spearman_scores(target: Array, prediction: Array, units: Units) -> Scorer:
    """Spearman's rank correlation, ties at their middle rank. NaN where either is constant."""
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


def _ranking(values: Array, units: Units) -> tuple[NDArray[np.int64], Any]:
    """Each item's group of equal values, in rising order, and sparse (groups, units) counts."""
    from scipy.sparse import csr_array

    distinct, group = np.unique(values, return_inverse=True)
    return group, csr_array((np.ones(len(group)), (group, units.unit)), shape=(len(distinct), units.number))


def macro_scores(scorers: Iterable[Scorer]) -> Scorer:
    """The mean of each score over classes or labels; where one has no score (NaN), over the others."""
    parts = list(scorers)

    def score(weights: Array) -> dict[str, Array]:
        tables = [part(weights) for part in parts]
        return {name: mean_of_defined(np.stack([table[name] for table in tables])) for name in tables[0]}

    return score


def mean_of_defined(values: Array) -> Array:
    """Mean over the first axis of what is not NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(0) / known.sum(0))


def true_class_loss(target: NDArray[Any], prediction: NDArray[Any]) -> Array:
    """-log p of the true class, nats (items,); `prediction` (items, classes), or (items,) of class 1.

    Probabilities of the truth below 1e-12 count as 1e-12, so the loss of an item never passes 27.6.
    """
    if prediction.ndim == 1:
        truth = np.where(target == 1, prediction, 1 - prediction)
    else:
        truth = np.take_along_axis(prediction, target[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.clip(truth, CLIP, 1)))


# The plain scores


def _plain(scorer: Scorer, items: int, name: str) -> float:
    return float(scorer(np.ones((items, 1)))[name][0])


def _class_score(name: str, target: ArrayLike, predicted: ArrayLike, num_classes: int | None) -> float:
    actual, guessed = np.asarray(target, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    seen = int(max(actual.max(initial=1), guessed.max(initial=1))) + 1
    return _plain(class_scores(actual, guessed, num_classes or seen, each(len(actual))), len(actual), name)


def accuracy(target: ArrayLike, predicted: ArrayLike) -> float:
    """Share of rows (n,) whose predicted class is the true one.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
    0.75
    """
    return _class_score("accuracy", target, predicted, None)


def f1(target: ArrayLike, predicted: ArrayLike, *, num_classes: int | None = None) -> float:
    """F1 of class 1 for two classes, else the mean over the classes seen; see `class_scores`."""
    return _class_score("f1", target, predicted, num_classes)


def mcc(target: ArrayLike, predicted: ArrayLike) -> float:
    """Matthews' correlation of two or more classes, 0 where undefined; see `class_scores`."""
    return _class_score("mcc", target, predicted, None)


def ranks_of_classes(target: NDArray[np.int64], prediction: NDArray[Any], units: Units) -> Scorer:
    """AUROC and AUPRC of class 1 for two classes, else one class against the rest, mean over the classes that occur."""
    if prediction.ndim == 1 or prediction.shape[1] == 2:
        score = prediction if prediction.ndim == 1 else prediction[:, 1]
        return rank_scores(target == 1, score, units)
    return macro_scores(rank_scores(target == k, prediction[:, k], units) for k in range(prediction.shape[1]))


def _rank_score(name: str, target: ArrayLike, score: ArrayLike) -> float:
    actual, scores = np.asarray(target, dtype=np.int64), np.asarray(score, dtype=np.float64)
    return _plain(ranks_of_classes(actual, scores, each(len(actual))), len(actual), name)


def auroc(target: ArrayLike, score: ArrayLike) -> float:
    """Share of pairs ranked rightly, ties half. `score` (n,) of class 1, or (n, classes): one class against the rest.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return _rank_score("auroc", target, score)


def auprc(target: ArrayLike, score: ArrayLike) -> float:
    """Average precision, without interpolation; arguments as `auroc`. Chance is the prevalence, not .5."""
    return _rank_score("auprc", target, score)


def log_loss(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean -log p of the truth, nats. `prediction` (n,) of class 1 or (n, classes); if `target` is (n, labels) too, the
    mean binary cross-entropy of the labels known (not -100, not NaN)."""
    actual, p = np.asarray(target), np.asarray(prediction, dtype=np.float64)
    if actual.ndim == 2:
        known = ~np.isnan(actual) & (actual != -100)
        actual, p = actual[known], p[known]
    loss = true_class_loss(actual.astype(np.int64), p)
    return _plain(mean_scores({"loss": loss}, each(len(loss))), len(loss), "loss")


def _number_score(name: str, make: Callable[[Array, Array, Units], Scorer], target: ArrayLike, p: ArrayLike) -> float:
    actual, prediction = np.asarray(target, dtype=np.float64), np.asarray(p, dtype=np.float64)
    return _plain(make(actual, prediction, each(len(actual))), len(actual), name)


def pearson(target: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson's correlation of (n,) numbers; NaN where either is constant."""
    return _number_score("pearson", moment_scores, target, prediction)


def spearman(target: ArrayLike, prediction: ArrayLike) -> float:
    """Spearman's rank correlation of (n,) numbers; NaN where either is constant."""
    return _number_score("spearman", spearman_scores, target, prediction)


def r2(target: ArrayLike, prediction: ArrayLike) -> float:
    """1 - squared error / squared deviation of the target from its mean; NaN where the target is constant."""
    return _number_score("r2", moment_scores, target, prediction)


def error_scores(target: Array, prediction: Array, units: Units) -> Scorer:
    """Mean squared and mean absolute error, and the squared one again as `loss`."""
    error = prediction - target
    return mean_scores({"mse": error**2, "mae": np.abs(error), "loss": error**2}, units)


def mse(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean squared error."""
    return _number_score("mse", error_scores, target, prediction)


def mae(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute error."""
    return _number_score("mae", error_scores, target, prediction)


def language_scores(bases: Array, nats: Array, units: Units) -> Scorer:
    """Nats a base (`loss`), perplexity and bits per base, from each sequence's scored bases and summed -log p."""
    mean = mean_scores({"loss": nats}, units, over=bases)

    def score(weights: Array) -> dict[str, Array]:
        loss = mean(weights)["loss"]
        return {"loss": loss, "perplexity": np.exp(loss), "bits_per_base": loss / np.log(2)}

    return score


def perplexity(bases: ArrayLike, nats: ArrayLike) -> float:
    """exp of the mean -log p, 4 for a guess among A C G T. Takes counts (n,) of bases and -log p sums (n,), nats."""
    return _number_score("perplexity", language_scores, bases, nats)


def bits_per_base(bases: ArrayLike, nats: ArrayLike) -> float:
    """Mean -log2 p a base: 2 is a guess among A C G T. Takes counts of bases (n,) and -log p sums (n,), nats.

    >>> bits_per_base([10, 20], [10 * np.log(4), 20 * np.log(4)])
    2.0
    """
    return _number_score("bits_per_base", language_scores, bases, nats)
