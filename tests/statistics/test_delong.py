"""DeLong's test against its definition, and the laws it obeys."""

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.statistics.delong import delong, delong_test
from genolightning.statistics.metrics import auroc


def three_scores(seed, rows=60):
    """Targets (rows,) and three correlated scores (3, rows) in steps of .1, so that many are tied."""
    draw = np.random.default_rng(seed)
    target = (draw.random(rows) < 0.4).astype(int)
    shared = draw.normal(size=rows)
    return target, np.round(target + shared + draw.normal(size=(3, rows)), 1)


def slow_definition(target, scores):
    """DeLong, DeLong & Clarke-Pearson 1988, eq. 3-6: every pair of a positive and a negative compared."""
    positive, negative = scores[:, target == 1], scores[:, target == 0]
    wins = (positive[:, :, None] > negative[:, None, :]) + 0.5 * (positive[:, :, None] == negative[:, None, :])
    areas, m, n = wins.mean(axis=(1, 2)), positive.shape[1], negative.shape[1]
    v10, v01 = wins.mean(axis=2) - areas[:, None], wins.mean(axis=1) - areas[:, None]
    return areas, v10 @ v10.T / (m - 1) / m + v01 @ v01.T / (n - 1) / n


@pytest.mark.parametrize("seed", range(5))
def test_delong_agrees_with_its_slow_definition_on_small_samples(seed):
    target, scores = three_scores(seed)
    found, (areas, covariance) = delong(target, scores), slow_definition(target, scores)
    assert found.auroc == pytest.approx(areas, abs=1e-12)
    assert found.covariance == pytest.approx(covariance, abs=1e-12)


def test_delong_finds_the_auroc_of_the_metrics():
    target, scores = three_scores(6)
    assert delong(target, scores).auroc == pytest.approx([auroc(target, score) for score in scores], abs=1e-12)


def test_exchanging_the_models_turns_the_difference_and_keeps_p():
    target, (first, second, _) = three_scores(7)
    one, other = delong_test(target, first, second), delong_test(target, second, first)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low), abs=1e-12)
    assert one.low < one.difference < one.high


def test_a_score_does_not_differ_from_a_rising_transformation_of_itself():
    target, scores = three_scores(8)
    assert delong_test(target, scores[0], np.exp(scores[0])).p == 1


def test_p_is_below_five_percent_just_where_the_interval_excludes_zero():
    results = [delong_test(target, scores[0], scores[1]) for target, scores in map(three_scores, range(40))]
    assert any(result.p < 0.05 for result in results)
    assert any(result.p > 0.05 for result in results)
    assert all((result.p < 0.05) == (result.low > 0 or result.high < 0) for result in results)


def test_two_equal_models_are_called_different_about_five_times_in_a_hundred():
    p = [delong_test(target, scores[0], scores[1]).p for target, scores in (three_scores(s, 200) for s in range(400))]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_perfect_rankings_are_equal_and_perfect_differs_from_reversed():
    target, score = np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    assert delong_test(target, score, score * 2).p == 1
    assert delong_test(target, score, -score).p == 0


@pytest.mark.parametrize("target", [[1, 1, 1, 0], [0, 0, 0, 0], [0, 1, 2, 1], [0, 1, 1]])
def test_targets_that_cannot_be_tested_are_refused(target):
    with pytest.raises(BadTable, match="wanted, found"):
        delong_test(target, [0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.3, 0.4])
