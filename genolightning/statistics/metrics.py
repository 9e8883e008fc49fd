"""Scores of predictions as plain numbers, in float64. Each is computed by the scorer that its bootstrap interval uses.

A score that does not exist is NaN. Numbers must be finite, and rows without a label left out: `evaluate` does both.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from genolightning.statistics.bootstrap import Array, ResamplingUnits, Scorer, one_unit_per_item
from genolightning.statistics.ranking import ranks_of_classes, spearman_scores
from genolightning.statistics.scorers import (
    class_scores,
    error_scores,
    language_scores,
    mean_scores,
    moment_scores,
    true_class_loss,
)


def _plain(scorer: Scorer, items: int, name: str) -> float:
    return float(scorer(np.ones((items, 1)))[name][0])


def _class_score(name: str, target: ArrayLike, predicted: ArrayLike, num_classes: int | None) -> float:
    actual, guessed = np.asarray(target, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    seen = int(max(actual.max(initial=1), guessed.max(initial=1))) + 1
    return _plain(class_scores(actual, guessed, num_classes or seen, one_unit_per_item(len(actual))), len(actual), name)


def accuracy(target: ArrayLike, predicted: ArrayLike) -> float:
    """Share of rows (n,) whose predicted class is the true one.

    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 1])
    0.75
    """
    return _class_score("accuracy", target, predicted, None)


def f1(target: ArrayLike, predicted: ArrayLike, *, num_classes: int | None = None) -> float:
    """F1 of class 1 for two classes, else the mean over the classes seen, of ids (n,); see `class_scores`."""
    return _class_score("f1", target, predicted, num_classes)


def mcc(target: ArrayLike, predicted: ArrayLike) -> float:
    """Matthews' correlation of two or more classes, of ids (n,), 0 where undefined; see `class_scores`."""
    return _class_score("mcc", target, predicted, None)


def _rank_score(name: str, target: ArrayLike, score: ArrayLike) -> float:
    actual, scores = np.asarray(target, dtype=np.int64), np.asarray(score, dtype=np.float64)
    return _plain(ranks_of_classes(actual, scores, one_unit_per_item(len(actual))), len(actual), name)


def auroc(target: ArrayLike, score: ArrayLike) -> float:
    """Share of pairs ranked rightly, ties half. `score` (n,) of class 1, or (n, classes): one class against the rest.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return _rank_score("auroc", target, score)


def auprc(target: ArrayLike, score: ArrayLike) -> float:
    """Average precision of (n,) rows, without interpolation; arguments as `auroc`. Chance is the prevalence, not .5."""
    return _rank_score("auprc", target, score)


def log_loss(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean -log p of the truth, nats. `prediction` (n,) of class 1 or (n, classes); if `target` is (n, labels) too, the
    mean binary cross-entropy of the labels known (not -100, not NaN)."""
    actual, p = np.asarray(target), np.asarray(prediction, dtype=np.float64)
    if actual.ndim == 2:
        known = ~np.isnan(actual) & (actual != -100)
        actual, p = actual[known], p[known]
    loss = true_class_loss(actual.astype(np.int64), p)
    return _plain(mean_scores({"loss": loss}, one_unit_per_item(len(loss))), len(loss), "loss")


def _number_score(
    name: str, make: Callable[[Array, Array, ResamplingUnits], Scorer], target: ArrayLike, p: ArrayLike
) -> float:
    actual, prediction = np.asarray(target, dtype=np.float64), np.asarray(p, dtype=np.float64)
    return _plain(make(actual, prediction, one_unit_per_item(len(actual))), len(actual), name)


def pearson(target: ArrayLike, prediction: ArrayLike) -> float:
    """Pearson's correlation of (n,) numbers; NaN where either is constant."""
    return _number_score("pearson", moment_scores, target, prediction)


def spearman(target: ArrayLike, prediction: ArrayLike) -> float:
    """Spearman's rank correlation of (n,) numbers; NaN where either is constant."""
    return _number_score("spearman", spearman_scores, target, prediction)


def r2(target: ArrayLike, prediction: ArrayLike) -> float:
    """1 - squared error / squared deviation of the target (n,) from its mean; NaN where the target is constant."""
    return _number_score("r2", moment_scores, target, prediction)


def mse(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean squared error of (n,) numbers."""
    return _number_score("mse", error_scores, target, prediction)


def mae(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean absolute error of (n,) numbers."""
    return _number_score("mae", error_scores, target, prediction)


def perplexity(bases: ArrayLike, nats: ArrayLike) -> float:
    """exp of the mean -log p, 4 for a guess among A C G T. Takes counts (n,) of bases and -log p sums (n,), nats."""
    return _number_score("perplexity", language_scores, bases, nats)


def bits_per_base(bases: ArrayLike, nats: ArrayLike) -> float:
    """Mean -log2 p a base: 2 is a guess among A C G T. Takes counts of bases (n,) and -log p sums (n,), nats.

    >>> bits_per_base([10, 20], [10 * np.log(4), 20 * np.log(4)])
    2.0
    """
    return _number_score("bits_per_base", language_scores, bases, nats)
