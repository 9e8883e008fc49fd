"""Scorers: a weighted score is the plain score of repeated rows."""

import numpy as np
import pytest

from genolightning.statistics import metrics
from genolightning.statistics.bootstrap import ResamplingUnits, one_unit_per_item
from genolightning.statistics.ranking import rank_scores, spearman_scores
from genolightning.statistics.scorers import (
    class_scores,
    class_scores_of_counts,
    error_scores,
    language_scores,
    macro_scores,
    mean_of_defined,
    mean_scores,
    moment_scores,
    true_class_loss,
)
from tests.statistics.test_metrics import tied_scores


@pytest.mark.parametrize("seed", range(3))
def test_a_weighted_score_is_the_score_of_rows_repeated(seed):
    draw = np.random.default_rng(seed)
    target, p = tied_scores(seed, rows=120)
    times = draw.integers(4, size=(120, 2))
    units, value = one_unit_per_item(120), target + p
    scorers = [
        (
            class_scores(target, (p > 0.5).astype(int), 2, units),
            {"f1": metrics.f1, "mcc": metrics.mcc},
            target,
            p > 0.5,
        ),
        (rank_scores(target == 1, p, units), {"auroc": metrics.auroc, "auprc": metrics.auprc}, target, p),
        (moment_scores(value, p, units), {"pearson": metrics.pearson, "r2": metrics.r2}, value, p),
        (spearman_scores(value, p, units), {"spearman": metrics.spearman}, value, p),
        (error_scores(value, p, units), {"mse": metrics.mse, "mae": metrics.mae}, value, p),
    ]
    for scorer, plain, truth, guess in scorers:
        weighted = scorer(times.astype(float))
        for name, score in plain.items():
            for column in range(2):
                rows = np.repeat(np.arange(120), times[:, column])
                assert weighted[name][column] == pytest.approx(score(truth[rows], guess[rows]), abs=1e-10)


def test_items_of_a_unit_are_weighted_together():
    target, p = tied_scores(4, rows=60)
    unit = np.arange(60) // 10
    weights = np.random.default_rng(0).integers(3, size=(6, 5)).astype(float)
    by_unit = class_scores(target, (p > 0.5).astype(int), 2, ResamplingUnits(unit, 6))(weights)
    by_item = class_scores(target, (p > 0.5).astype(int), 2, one_unit_per_item(60))(weights[unit])
    assert all(by_unit[name] == pytest.approx(by_item[name]) for name in by_unit)


def test_class_scores_follow_from_counts_alone():
    confusion = np.array([[50, 3, 2], [4, 30, 6], [1, 0, 20]])
    target, predicted = (np.repeat(side.ravel(), confusion.ravel()) for side in np.indices((3, 3)))
    sums = (np.diag(confusion), confusion.sum(1), confusion.sum(0))
    counted = class_scores_of_counts(*(side[:, None].astype(float) for side in sums))
    assert counted["mcc"][0] == metrics.mcc(target, predicted)
    assert counted["f1"][0] == metrics.f1(target, predicted)
    assert counted["accuracy"][0] == pytest.approx(100 / 116)


def test_one_class_has_no_correlation_and_no_items_have_no_score():
    none, one = np.zeros((2, 1)), np.array([[5.0], [0]])
    assert np.isnan(class_scores_of_counts(none, none, none)["mcc"][0])
    assert class_scores_of_counts(one, one, one)["mcc"][0] == 0


def test_a_mean_over_classes_leaves_out_those_without_a_score():
    assert mean_of_defined(np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])).tolist()[0] == 2
    scorers = [lambda weights, value=value: {"auroc": np.full(weights.shape[1], value)} for value in (0.5, np.nan, 0.7)]
    assert macro_scores(scorers)(np.ones((2, 3)))["auroc"] == pytest.approx([0.6, 0.6, 0.6])


def test_means_divide_by_items_or_by_what_they_are_over():
    units, once = one_unit_per_item(3), np.ones((3, 1))
    loss = {"loss": np.array([1.0, 2, 6])}
    assert mean_scores(loss, units)(once)["loss"] == pytest.approx([3])
    assert mean_scores(loss, units, over=np.array([1, 1, 7]))(once)["loss"] == pytest.approx([1])
    bits = language_scores(np.array([2.0, 4, 6]), np.array([2.0, 4, 6]) * np.log(2), units)(once)
    assert (bits["bits_per_base"][0], bits["perplexity"][0]) == pytest.approx((1, 2))


def test_the_loss_of_a_certain_mistake_is_finite():
    assert true_class_loss(np.array([1, 0]), np.array([0.0, 0.25])) == pytest.approx([-np.log(1e-12), -np.log(0.75)])
    assert true_class_loss(np.array([2]), np.array([[0.1, 0.2, 0.7]])) == pytest.approx([-np.log(0.7)])
