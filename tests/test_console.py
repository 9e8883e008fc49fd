"""Lines for a reader, from the first process only."""

from genolightning.console import columns, say


def test_lines_are_written_by_the_first_process_only(capsys, monkeypatch):
    say("one", "two")
    monkeypatch.setenv("LOCAL_RANK", "1")
    say("three")
    assert capsys.readouterr().out == "one\ntwo\n"


def test_columns_are_as_wide_as_their_widest_cell_and_end_without_blanks():
    lines = columns([["run", "value", ""], ["a", "1", "x"], ["long name", "100", ""]], right=[1])
    assert lines == ["run        value", "a              1  x", "long name    100"]
