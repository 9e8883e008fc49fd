"""AUROC, average precision and Spearman's correlation over resampled units."""

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats

from genolightning.statistics.bootstrap import ResamplingUnits, one_unit_per_item
from genolightning.statistics.ranking import rank_scores, ranks_of_classes, spearman_scores
from tests.statistics.test_metrics import class_probabilities, tied_scores


@pytest.mark.parametrize("seed", range(3))
def test_units_with_many_items_are_scored_as_their_items_repeated(seed):
    target, p = tied_scores(seed, rows=300)
    unit = np.random.default_rng(seed).integers(20, size=300)
    weights = np.random.default_rng(seed).multinomial(20, np.full(20, 0.05), size=4).T
    scores = rank_scores(target == 1, p, ResamplingUnits(unit, 20))(weights.astype(float))
    ranks = spearman_scores(target + 0.1 * p, p, ResamplingUnits(unit, 20))(weights.astype(float))["spearman"]
    for column in range(4):
        rows = np.repeat(np.arange(300), weights[unit, column])
        assert scores["auroc"][column] == pytest.approx(sk.roc_auc_score(target[rows], p[rows]), abs=1e-12)
        assert scores["auprc"][column] == pytest.approx(sk.average_precision_score(target[rows], p[rows]), abs=1e-12)
        expected = stats.spearmanr(target[rows] + 0.1 * p[rows], p[rows]).statistic
        assert ranks[column] == pytest.approx(expected, abs=1e-12)


def test_several_classes_are_ranked_one_against_the_rest():
    target, p = class_probabilities(1, rows=200, classes=3)
    found = ranks_of_classes(target, p, one_unit_per_item(200))(np.ones((200, 1)))
    each = [sk.roc_auc_score(target == k, p[:, k]) for k in range(3)]
    assert found["auroc"][0] == pytest.approx(np.mean(each), abs=1e-12)


def test_without_a_positive_or_a_negative_there_is_no_auroc():
    p = np.array([0.2, 0.4])
    for positive in (np.zeros(2, bool), np.ones(2, bool)):
        assert np.isnan(rank_scores(positive, p, one_unit_per_item(2))(np.ones((2, 1)))["auroc"][0])
