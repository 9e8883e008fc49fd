"""Weighted scores of classes, numbers and language models, in float64.

A scorer is made once from the items (sorting happens there) and then called with weights (units, resamples), how often
each unit is in each resample; it returns {name: (resamples,)}. The plain score has every weight 1.

A score that does not exist is NaN, in the cases that each docstring lists. Numbers must be finite and items without a
label left out beforehand: `evaluate` does both.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.statistics.bootstrap import Array, ResamplingUnits, Scorer

CLIP = 1e-12  # a probability of the truth below this counts as this


def class_scores(target: NDArray[Any], predicted: NDArray[Any], num_classes: int, units: ResamplingUnits) -> Scorer:
    """Accuracy, F1 and MCC of class ids, int64 (items,) in 0 .. num_classes - 1.

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

    return lambda weights: class_scores_of_counts(*(per_unit @ weights).reshape(3, num_classes, -1))


def class_scores_of_counts(hits: Array, actual: Array, guessed: Array) -> dict[str, Array]:
    """Accuracy, F1 and MCC from each class's items that are right, true and predicted: float64 (classes, resamples)."""
    total = actual.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_class = 2 * hits / (actual + guessed)
        accuracy = hits.sum(0) / total
        by_chance = (actual * guessed).sum(0)
        spread = np.sqrt(total**2 - (actual**2).sum(0)) * np.sqrt(total**2 - (guessed**2).sum(0))
        mcc = np.where(spread > 0, (hits.sum(0) * total - by_chance) / spread, 0.0)
    f1 = np.nan_to_num(by_class[1]) if len(hits) == 2 else mean_of_defined(by_class)
    return {"accuracy": accuracy, "f1": f1, "mcc": np.where(total > 0, mcc, np.nan)}


def mean_scores(values: dict[str, Array], units: ResamplingUnits, *, over: NDArray[Any] | None = None) -> Scorer:
    """Means of per-item values (items,), such as losses; `over` (items,) divides by its sum instead of by the items."""
    sums = np.stack([np.bincount(units.unit, weights=value, minlength=units.number) for value in values.values()])
    counts = np.bincount(units.unit, weights=over, minlength=units.number).astype(np.float64)

    def score(weights: Array) -> dict[str, Array]:
        with np.errstate(divide="ignore", invalid="ignore"):
            means = (sums @ weights) / (counts @ weights)
        return dict(zip(values, means, strict=True))

    return score


def moment_scores(target: Array, prediction: Array, units: ResamplingUnits) -> Scorer:
    """Pearson's r and r2, the coefficient of determination, of float64 (items,).

    NaN where the target is constant; r also where the prediction is.
    """
    # around the medians: nothing cancels, and a constant becomes exactly 0
    x, y = target - np.median(target), prediction - np.median(prediction)
    columns = [np.ones_like(x), x, y, x * x, y * y, x * y, (target - prediction) ** 2]
    sums = np.stack([np.bincount(units.unit, weights=column, minlength=units.number) for column in columns])

    return lambda weights: correlation_of_sums(sums @ weights)


def correlation_of_sums(sums: Array) -> dict[str, Array]:
    """Pearson's r and r2 from sums of 1, x, y, xx, yy, xy and (x - y)^2 of shifted values: float64 (7, resamples)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n, x, y, xx, yy, xy, errors = sums
        spread_x, spread_y = xx - x * x / n, yy - y * y / n
        # one value drawn again and again leaves rounding noise instead of 0
        spread_x[spread_x <= 1e-12 * xx] = np.nan
        spread_y[spread_y <= 1e-12 * yy] = np.nan
        pearson = np.clip((xy - x * y / n) / (np.sqrt(spread_x) * np.sqrt(spread_y)), -1, 1)
        return {"pearson": pearson, "r2": 1 - errors / spread_x}


def error_scores(target: Array, prediction: Array, units: ResamplingUnits) -> Scorer:
    """Mean squared and mean absolute error of float64 (items,), and the squared one again as `loss`."""
    error = prediction - target
    return mean_scores({"mse": error**2, "mae": np.abs(error), "loss": error**2}, units)


def language_scores(bases: Array, nats: Array, units: ResamplingUnits) -> Scorer:
    """Nats a base (`loss`), perplexity and bits per base, from scored bases and summed -log p of sequences (items,)."""
    mean = mean_scores({"loss": nats}, units, over=bases)

    def score(weights: Array) -> dict[str, Array]:
        loss = mean(weights)["loss"]
        return {"loss": loss, "perplexity": np.exp(loss), "bits_per_base": loss / np.log(2)}

    return score


def macro_scores(scorers: Iterable[Scorer]) -> Scorer:
    """Average each score over classes or labels; one without a score (NaN) is left out."""
    parts = list(scorers)

    def score(weights: Array) -> dict[str, Array]:
        tables = [part(weights) for part in parts]
        return {name: mean_of_defined(np.stack([table[name] for table in tables])) for name in tables[0]}

    return score


def mean_of_defined(values: Array) -> Array:
    """Mean over the first axis, float64 (parts, resamples) -> (resamples,), of what is not NaN; else NaN."""
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
