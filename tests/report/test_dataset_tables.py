"""A dataset as text: the row of the list, and its facts line by line."""

import pytest

from genolightning.report.dataset_tables import ABOUT, fact_lines, listed

ROW = {"name": "toy", "kind": "binary", "classes": 2, "about": "a toy"}


def test_rows_are_those_of_the_card_or_else_of_the_published_table():
    counts = {"card": {"rows": {"train": 30, "test": 10}, "table1": {"sequences": 7, "median_bp": 250.0}}}
    assert (listed(ROW, counts)["rows"], listed(ROW, counts)["bp"]) == (40, 250)
    assert listed(ROW, {"card": {"table1": {"sequences": 7}}})["rows"] == 7


def test_a_dataset_without_a_card_has_empty_cells():
    assert listed(ROW, {}) == ROW | {"rows": None, "bp": None, "here": "", "licence": ""}


def test_long_texts_are_cut_between_words():
    row = listed(ROW | {"about": "word " * 40}, {"card": {"licence": "Creative Commons Attribution 4.0"}})
    assert len(row["about"]) <= ABOUT
    assert row["about"].endswith("word ...")
    assert row["licence"] == "Creative ..."


def test_a_dataset_is_here_when_all_its_tables_are(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    files = ["train.csv", "test.csv"]
    facts = {"train": files[0], "test": files[1], "card": {"sources": {name: f"https://a.b/{name}" for name in files}}}
    states = [listed(ROW, facts)["here"]]
    for name in files:
        (tmp_path / name).write_text("sequence,label\nA,0\n")
        states.append(listed(ROW, facts)["here"])
    assert states == ["no", "no", "yes"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (3, "3"), ([1, "a"], "1, a"), ("two\n  lines", "two lines"), ({}, "{}")],
)
def test_a_value_stands_on_one_line_as_in_yaml(value, text):
    assert fact_lines({"key": value}) == [f"{'key':<22} {text}"]


def test_parts_are_indented_below_their_name_and_values_stay_aligned():
    lines = fact_lines({"name": "toy", "card": {"rows": {"train": 3}}})
    assert lines[1:3] == ["card", "  rows"]
    assert lines[3] == f"    {'train':<18} 3"
    assert lines[0].index("toy") == lines[3].index("3")
