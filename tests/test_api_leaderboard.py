"""Runs are listed and compared from Python, with the numbers of the command line."""

import pytest

from genolightning.api_leaderboard import compare, leaderboard
from genolightning.errors import UserError
from tests.analysis.test_leaderboard import guesses, write_run


def test_the_leaderboard_is_a_data_frame_with_a_row_for_each_score_of_a_model(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path / "logs" / str(seed), seed)
    frame = leaderboard(score="mcc")
    assert frame.select("dataset", "model", "metric", "runs").rows() == [("toy", "convnet", "mcc", 2)]
    assert frame["low"][0] <= frame["value"][0] <= frame["high"][0]
    with pytest.raises(UserError, match="no score auc"):
        leaderboard(score="auc")


def test_a_run_less_itself_is_nothing_and_other_rows_cannot_be_compared(tmp_path):
    one = write_run(tmp_path / "a", 1)
    frame = compare(one, [one])
    assert frame.filter(frame["score"] == "mcc").rows() == [("mcc", 0.0, 0.0, 0.0)]
    other = write_run(tmp_path / "b", 2, index=5, p=guesses(3))
    with pytest.raises(UserError, match="not tested on the same rows"):
        compare(one, str(other))
