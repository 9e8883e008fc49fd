"""Differences of models on the same draws of test rows."""

import numpy as np
import pytest

from genolightning.analysis import comparisons as compare
from genolightning.analysis import leaderboard
from genolightning.analysis.comparisons import differences
from genolightning.statistics.metrics import mcc
from tests.analysis.test_leaderboard import TARGET, groups_of, guesses, write_run


def two(folder, first, second, **more):
    for place, values in (("a", first), ("b", second)):
        for seed, p in enumerate(values, 1):
            other = more if place == "b" else {}
            write_run(folder / place / str(seed), seed, p=p, **({"optimizer.lr": 0.1} if place == "b" else {}), **other)
    return sorted(groups_of(folder), key=lambda group: "0.1" in str(group.settings))


def test_a_difference_is_of_the_means_and_its_interval_that_of_a_bootstrap_of_rows(tmp_path):
    first, second = [guesses(1), guesses(2)], [guesses(5), guesses(6)]
    one, other = two(tmp_path, first, second)
    found = differences(one.runs, other.runs)["mcc"]

    def gap(rows):
        scores = [[mcc(TARGET[rows], p[rows] > 0.5) for p in arm] for arm in (first, second)]
        return np.mean(scores[0]) - np.mean(scores[1])

    assert found.value == pytest.approx(gap(np.arange(60)), abs=1e-12)
    draw = np.random.default_rng(3)
    drawn = [gap(draw.integers(60, size=60)) for _ in range(2000)]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.03)
    assert differences(other.runs, one.runs)["mcc"].value == pytest.approx(-found.value)


def test_rows_drawn_for_both_cancel_what_both_find_hard(tmp_path):
    p = guesses(1)
    one, other = two(tmp_path, [p], [p])
    assert differences(one.runs, other.runs)["auroc"] == (0, 0, 0)


def test_each_run_is_drawn_once_whatever_it_is_compared_with(tmp_path, monkeypatch):
    one, other = two(tmp_path, [guesses(1), guesses(2)], [guesses(5), guesses(6)])
    heard = []
    found = differences(one.runs, other.runs, heard.append)
    assert [line.rpartition("seed ")[2] for line in heard] == ["1", "2", "1", "2"]
    monkeypatch.setattr(compare, "_resampled", None)
    assert differences(one.runs, other.runs, heard.append) == found
    assert compare.seeds_intervals(one.runs, heard.append)["mcc"]
    assert len(heard) == 4


def test_runs_on_other_rows_or_without_predictions_have_no_difference(tmp_path):
    one, other = two(tmp_path / "moved", [guesses(1)], [guesses(2)], index=7)
    assert differences(one.runs, other.runs) == {}
    (line,) = leaderboard.paired([one, other], ["", "optimizer.lr=0.1"], "mcc")
    assert line.endswith("not tested on the same rows, or without predictions")
    one, other = two(tmp_path / "gone", [guesses(1)], [guesses(2)])
    (tmp_path / "gone" / "a" / "1" / "predictions.parquet").unlink()
    assert differences(one.runs, other.runs) == {}


def test_the_lower_is_told_beside_the_better_by_what_sets_them_apart(tmp_path):
    one, other = two(tmp_path, [TARGET * 0.8 + 0.1], [guesses(2), guesses(3)])
    names = ["trainer.max_epochs=3", "trainer.max_epochs=3 optimizer.lr=0.1"]
    (line,) = leaderboard.paired([one, other], names, "mcc")
    assert line.startswith("toy, mcc: convnet optimizer.lr=0.1 (seeds 1-2) less convnet (seed 1): -0.")
    (line,) = leaderboard.paired([one, other], names, "loss")
    assert " less convnet (seed 1): +0." in line


@pytest.mark.parametrize("other", [{"split": "clean"}, {"protocol": "last epoch, no validation"}, {"data_sha256": {}}])
def test_other_splits_protocols_and_data_are_not_compared(tmp_path, other):
    one, other = two(tmp_path, [guesses(1)], [guesses(2)], **other)
    assert leaderboard.paired([one, other], ["", ""], "mcc") == []
