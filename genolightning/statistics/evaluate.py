"""Every score of one split's predictions, each with its 95 % bootstrap interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genolightning.errors import BadTable
from genolightning.facts import target_kind
from genolightning.statistics.bootstrap import (
    RESAMPLES,
    Array,
    ResamplingUnits,
    Scorer,
    percentile_interval,
    replicates,
)
from genolightning.statistics.estimate import Estimate
from genolightning.statistics.ranking import rank_scores, ranks_of_classes, spearman_scores
from genolightning.statistics.scored_items import Items, flatten_predictions, resampling_units
from genolightning.statistics.scorers import (
    class_scores,
    error_scores,
    language_scores,
    macro_scores,
    mean_scores,
    moment_scores,
    true_class_loss,
)


def evaluate(
    kind: str,
    target: ArrayLike | Sequence[ArrayLike],
    prediction: ArrayLike | Sequence[ArrayLike],
    *,
    classes: Sequence[str] = (),
    threshold: float | None = None,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Estimate]:
    """Score predictions of `kind`, each score with the 95 % interval of `resamples` bootstrap resamples.

    binary      target (n,) 0 or 1, prediction (n,) p of class 1 or (n, 2): accuracy f1 mcc auroc auprc loss prevalence
    multiclass  target (n,) ids, prediction (n, classes): accuracy f1 mcc auroc auprc loss
    multilabel  target (n, labels) 0 or 1, prediction (n, labels): the scores of binary
    regression  target (n,), prediction (n,): pearson spearman r2 mse mae, and mse again as loss
    causal_lm, masked_lm  target (n,) bases scored, prediction (n,) their summed -log p, nats: loss perplexity
                bits_per_base

    With one target a base or bin both have an axis of positions after the first, or are lists of one array a row.
    Targets of -100 or NaN (regression: NaN) have no label and are left out. Class 1 is predicted where p > .5, or with
    `threshold` where p > threshold for `mcc_tuned`. Multilabel: f1 mcc auroc auprc prevalence are means over the labels
    where they exist, accuracy and loss means over all known labels.

    Rows are resampled with all their bases, which are not independent. With `clusters` (n,), rows of one cluster are
    resampled together and `unit` is "cluster"; with a single cluster, rows are resampled instead and `unit` is "row".
    Below some twenty clusters intervals are too narrow.

    Raises BadTable, naming the row, for shapes that do not match, predictions that are not numbers or not
    probabilities, and a split without any label.
    """
    items = flatten_predictions(kind, target, prediction)
    units, unit = resampling_units(items, clusters), "cluster"
    if clusters is None or units.number == 1:
        units, unit = resampling_units(items, None), "row"
    scorings = make_scorers(kind, items, units, len(classes), threshold)
    once = np.ones((units.number, 1))
    values = {name: float(value[0]) for scorer in scorings for name, value in scorer(once).items()}
    samples = replicates(scorings, units.number, resamples=resamples, seed=seed)
    return {name: Estimate(value, *percentile_interval(value, samples[name]), unit) for name, value in values.items()}


def best_threshold(target: ArrayLike, p: ArrayLike) -> float:
    """The threshold t at which predicting class 1 where p > t has the highest MCC; use it on validation rows only.

    Every cut between two neighbouring values of `p` (n,) is tried, and one at each end. A cut is named by .5 if that is
    inside its gap, else by the middle of the gap; of equally good cuts the one nearest .5 is taken. Targets of -100 are
    left out.
    """
    items = flatten_predictions("binary", target, p)
    values, place = np.unique(np.append(-1, _of_class_1(items.prediction)), return_inverse=True)  # -1: all are class 1
    negatives = np.bincount(place[1:][items.target == 0], minlength=len(values)).cumsum()
    positives = np.bincount(place[1:][items.target == 1], minlength=len(values)).cumsum()
    hits, alarms = positives[-1] - positives, negatives[-1] - negatives  # of predicting 1 above each value
    guessed = (hits + alarms).astype(np.float64)
    total = positives[-1] + negatives[-1]
    spread = np.sqrt(guessed * (total - guessed)) * np.sqrt(float(positives[-1]) * float(negatives[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        mcc = np.where(spread > 0, (hits * total - guessed * positives[-1]) / spread, 0.0)
    above = np.append(values[1:], max(values[-1], 1.0))
    middle = (values + above) / 2
    cuts = np.where((values <= 0.5) & (above > 0.5), 0.5, np.where(middle < above, middle, values))
    best = mcc >= mcc.max() - 1e-12
    return float(cuts[best][np.argmin(np.abs(cuts[best] - 0.5))])


def _of_class_1(prediction: Array) -> Array:
    return prediction if prediction.ndim == 1 else prediction[:, 1]


def make_scorers(
    kind: str, items: Items, units: ResamplingUnits, num_classes: int, threshold: float | None
) -> list[Scorer]:
    """Choose the scorers of a kind of target: those whose scores `evaluate` lists, of (items,) over the units."""
    scored = target_kind(kind)
    if scored.label_axis:
        return _multilabel(items, units)
    if scored.exclusive_classes:
        return _binary(items, units, threshold) if scored.single_output else _multiclass(items, units, num_classes)
    if scored.real_targets:
        scorers = (moment_scores, spearman_scores, error_scores)
        return [make(items.target, items.prediction, units) for make in scorers]
    return [language_scores(items.target, items.prediction, units)]


def _binary(items: Items, units: ResamplingUnits, threshold: float | None) -> list[Scorer]:
    target, p = items.target, _of_class_1(items.prediction)
    loss = true_class_loss(target, items.prediction)
    scorers = [_two_classes(target, p, units), mean_scores({"loss": loss, "prevalence": target.astype(float)}, units)]
    if threshold is not None:
        tuned = class_scores(target, (p > threshold).astype(np.int64), 2, units)
        scorers.append(lambda weights: {"mcc_tuned": tuned(weights)["mcc"]})
    return scorers


def _two_classes(target: NDArray[Any], p: Array, units: ResamplingUnits) -> Scorer:
    decided = class_scores(target, (p > 0.5).astype(np.int64), 2, units)
    ranked = rank_scores(target == 1, p, units)
    return lambda weights: decided(weights) | ranked(weights)


def _multiclass(items: Items, units: ResamplingUnits, num_classes: int) -> list[Scorer]:
    width = items.prediction.shape[1]
    if num_classes not in (0, width):
        raise BadTable(
            f"{num_classes} classes need as many probabilities a row, found {width}: name one class a column."
        )
    return [
        class_scores(items.target, items.prediction.argmax(1), width, units),
        ranks_of_classes(items.target, items.prediction, units),
        mean_scores({"loss": true_class_loss(items.target, items.prediction)}, units),
    ]


def _multilabel(items: Items, units: ResamplingUnits) -> list[Scorer]:
    known = items.target >= 0
    labels = []
    for column in range(known.shape[1]):
        rows = np.flatnonzero(known[:, column])
        if len(rows):
            target, p = items.target[rows, column], items.prediction[rows, column]
            here = units.at(rows)
            prevalence = mean_scores({"prevalence": target.astype(float)}, here)
            labels.append(_merged(_two_classes(target, p, here), prevalence))
    rows, columns = np.nonzero(known)
    truth, entry = items.target[rows, columns], items.prediction[rows, columns]
    right = ((entry > 0.5) == (truth == 1)).astype(np.float64)
    pooled = mean_scores({"accuracy": right, "loss": true_class_loss(truth, entry)}, units.at(rows))
    return [_merged(macro_scores(labels), pooled)]


def _merged(first: Scorer, second: Scorer) -> Scorer:
    return lambda weights: first(weights) | second(weights)
