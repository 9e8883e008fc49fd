"""The leaderboard for programs and terminals: the same rows in every form."""

import csv
import json

import pytest

from genolightning.analysis.leaderboard import MEAN, Board, Row, Section
from genolightning.report.leaderboard_text import (
    FIELDS,
    MODEL_WIDTH,
    clipped,
    leaderboard_csv,
    leaderboard_json,
    leaderboard_lines,
)


def row(model: str = "cnn", **more) -> Row:
    usual = {
        "dataset": "toy",
        "split": "original",
        "verdict": "clean",
        "model": model,
        "protocol": "last epoch",
        "metric": "mcc",
        "higher_is_better": True,
        "value": 0.51234,
        "origin": "own",
        "source": "own runs",
        "seeds": [1, 2, 3],
        "runs": 3,
        "low": 0.5,
        "high": 0.625,
        "sd": 0.01,
        "folders": ["a", "b"],
    }
    return Row(**(usual | more))


def board(*rows: Row, paired: tuple[str, ...] = (), higher: bool = True) -> Board:
    ranked = [(number, one) for number, one in enumerate(rows, 1)]
    return Board([Section("toy", "original", "mcc", higher, ranked)], list(paired), [], [])


def test_json_and_csv_have_the_same_rows_and_columns():
    both = board(row(), row("basset, wide", value=None, low=None, high=None))
    values = json.loads(leaderboard_json(both))
    table = list(csv.DictReader(leaderboard_csv(both)))
    assert [list(one) for one in values] == [list(one) for one in table] == [FIELDS] * 2
    assert [one["model"] for one in values] == [one["model"] for one in table] == ["cnn", "basset, wide"]
    assert (values[0]["value"], float(table[0]["value"])) == (0.51234, 0.51234)
    assert (values[1]["value"], table[1]["value"]) == (None, "")
    assert (table[0]["seeds"], table[0]["folders"]) == ("1 2 3", "a b")


def test_an_empty_board_is_an_empty_list_and_a_head():
    empty = Board([], [], [], [])
    assert json.loads(leaderboard_json(empty)) == []
    assert leaderboard_csv(empty) == [",".join(FIELDS)]


def test_a_terminal_gets_a_title_a_section_and_aligned_rows():
    lines = leaderboard_lines(board(row(), row("a longer name", interval=MEAN)), colour=False)
    assert lines[2] == "toy, mcc, split original"
    assert "(less is better)" in leaderboard_lines(board(row(), higher=False), colour=False)[2]
    first, second = lines[3:5]
    assert first.index("0.512") == second.index("0.512") == lines[0].index("value")
    assert "~0.500 to 0.625" in second
    assert "~" not in first
    assert lines[-1].startswith("~: ")


def test_a_score_that_does_not_exist_and_a_row_without_rank_are_printed():
    lines = leaderboard_lines(
        Board([Section("toy", "s", "mcc", True, [(None, row(value=None, low=None, sd=None))])], [], [], []),
        colour=False,
    )
    assert lines[3].split()[:3] == ["cnn", "none", "3"]


def test_differences_come_last_under_a_title():
    assert leaderboard_lines(board(row(), paired=("cnn over basset: 0.1",)), colour=False)[-1] == "cnn over basset: 0.1"


@pytest.mark.parametrize("length", [1, MODEL_WIDTH, MODEL_WIDTH + 1, 200])
def test_clipped_text_fits_and_begins_alike(length):
    text = "abcdefg" * 40
    short = clipped(text[:length], MODEL_WIDTH)
    assert len(short) == min(length, MODEL_WIDTH)
    assert text.startswith(short.removesuffix("…"))
