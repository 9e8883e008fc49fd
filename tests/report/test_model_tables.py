"""Tables of models: a row a model, a column a length, and what was not measured says why."""

import pytest
import torch

from genolightning.report.model_tables import DESCRIPTION_WIDTH, MEASURES, by_length, machine, markdown, page
from genolightning.report.model_tables import terminal_lines as lines_of

NONE = dict.fromkeys(MEASURES)


def timing(length_bp: int, **more) -> dict:
    return {"length_bp": length_bp, "batch": 4, "why": None} | NONE | more


def model(name: str = "cnn", **more) -> dict:
    row = {"model": name, "parameters": 67089, "flops_per_base": 1234.5, "kind": "binary", "length_bp": 1000}
    return row | {"about": "a small model"} | more


def test_one_measure_is_a_table_of_models_and_lengths():
    rows = [model(timings=[timing(64, forward_ms=1.234), timing(1024, forward_ms=1234.5)])]
    assert by_length(rows, "forward_ms") == [{"model": "cnn", "64 bp": "1.2", "1,024 bp": "1,234"}]


@pytest.mark.parametrize(
    ("why", "text"),
    [("max 64", "max 64"), (None, ""), ("a reason that is too long for a cell of a table", "none")],
)
def test_what_was_not_measured_says_why_where_there_is_space(why, text):
    assert by_length([model(timings=[timing(64, why=why)])], "memory_mb") == [{"model": "cnn", "64 bp": text}]


def test_markdown_sets_numbers_to_the_right_and_leaves_unknown_ones_empty():
    head, rule, row = markdown([{"model": "cnn", "flops_per_base": None, "about": "small"}]).splitlines()
    assert (head, rule, row) == ("| model | FLOPs per base | about |", "|---|---:|---|", "| `cnn` |  | small |")


def test_the_page_names_the_command_and_has_timings_only_where_they_were_taken():
    plain = page([model()], ["--model", "conv*"])
    assert "genolightning models --model 'conv*'" in plain
    assert "| `cnn` | 67,089 | 1,234 | a small model |" in plain
    assert "rows of 1,000 bp" in plain
    assert "## Time" not in plain
    timed = page([model(timings=[timing(64, forward_ms=2.0)])], [], speed=True, max_s=7.5)
    assert [f"### {title}" in timed for title in MEASURES.values()] == [True] * len(MEASURES)
    assert "`over 7.5 s`" in timed
    assert "Examples a second" in timed


def test_a_terminal_gets_a_short_description_and_a_table_a_measure():
    rows = [model(about="word " * 40), model("basset", about="other")]
    assert max(map(len, lines_of(rows))) < DESCRIPTION_WIDTH + 60
    timed = lines_of([model(timings=[timing(64)])])
    assert [title in timed for title in MEASURES.values()] == [True] * len(MEASURES)
    assert f"batches of 4 rows on {machine()}" in timed


def test_a_machine_is_named_with_its_threads_and_torch():
    assert machine().endswith(f"torch {torch.__version__}")
