"""Resamples and the intervals made of them."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from genolightning.statistics.bootstrap import (
    ResamplingUnits,
    one_unit_per_item,
    percentile_interval,
    replicates,
    resample_weights,
)
from genolightning.statistics.ranking import rank_scores
from genolightning.statistics.scorers import mean_scores

COVERAGE = Path(__file__).parents[2] / "speed" / "coverage.py"


def all_weights(units, **options):
    return np.hstack(list(resample_weights(units, **options)))


def test_each_resample_draws_as_many_units_as_there_are():
    weights = all_weights(50, resamples=300)
    assert weights.shape == (50, 300)
    assert (weights.sum(0) == 50).all()
    assert weights.mean(1) == pytest.approx(np.ones(50), abs=0.3)


def test_a_seed_draws_the_same_resamples_again_and_another_seed_others():
    assert (all_weights(20, resamples=200, seed=3) == all_weights(20, resamples=200, seed=3)).all()
    assert (all_weights(20, resamples=200, seed=3) != all_weights(20, resamples=200, seed=4)).any()


def test_fewer_resamples_are_the_first_of_more():
    assert (all_weights(20, resamples=500)[:, :70] == all_weights(20, resamples=70)).all()


def test_the_spread_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=400)
    means = replicates([mean_scores({"mean": values}, one_unit_per_item(400))], 400, resamples=2000)["mean"]
    assert means.std() == pytest.approx(values.std() / 20, rel=0.1)


def test_drawing_sequences_whole_scores_as_repeating_all_their_bases():
    draw = np.random.default_rng(1)
    unit, positive, score = np.repeat(np.arange(12), 10), draw.random(120) < 0.4, draw.integers(9, size=120) / 8
    weights = next(resample_weights(12, resamples=20))
    by_row = rank_scores(positive, score, ResamplingUnits(unit, 12))(weights)
    by_base = rank_scores(positive, score, one_unit_per_item(120))(weights[unit])
    assert by_row["auroc"] == pytest.approx(by_base["auroc"], abs=1e-12)
    assert by_row["auprc"] == pytest.approx(by_base["auprc"], abs=1e-12)


def test_a_ranking_longer_than_one_block_scores_the_same():
    draw = np.random.default_rng(2)
    positive, score = draw.random(9000) < 0.7, draw.normal(size=9000)  # more than 6,000 steps, three blocks
    found = rank_scores(positive, score, one_unit_per_item(9000))(np.ones((9000, 1)))
    order = np.argsort(-score)
    precision = np.cumsum(positive[order]) / np.arange(1, 9001)
    wins = np.cumsum(~positive[order])[positive[order]]
    assert found["auprc"][0] == pytest.approx(precision[positive[order]].mean(), abs=1e-12)
    assert found["auroc"][0] == pytest.approx(1 - wins.mean() / (~positive).sum(), abs=1e-12)


def test_an_interval_always_holds_its_value():
    assert percentile_interval(0.9, np.linspace(0, 0.5, 100))[1] == 0.9
    assert percentile_interval(-0.1, np.linspace(0, 0.5, 100))[0] == -0.1
    assert percentile_interval(0.25, np.arange(1, 1000) / 1000) == pytest.approx((0.025, 0.975))


def test_resamples_without_a_score_are_left_out():
    assert percentile_interval(0.5, np.array([np.nan, 0.4, 0.6, np.nan])) == pytest.approx((0.4, 0.6))
    assert np.isnan(percentile_interval(np.nan, np.array([0.4, 0.6]))).all()


@pytest.mark.parametrize(("auroc", "prevalence"), [(0.75, 0.5), (0.9, 0.2)])
def test_intervals_hold_the_true_auroc_about_95_times_in_100(auroc, prevalence):
    share = runpy.run_path(str(COVERAGE))["coverage"](auroc, prevalence, sets=300, rows=200)
    assert 0.91 <= share <= 0.99  # three standard errors of 300 sets around 95 %


@pytest.mark.slow
def test_the_coverage_script_finds_92_to_98_percent(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["coverage.py"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(COVERAGE), run_name="__main__")
    line = json.loads(capsys.readouterr().out)
    assert left.value.code == 0
    assert all(0.92 <= share <= 0.98 for share in line["coverage"].values())
