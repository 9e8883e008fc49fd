"""`genolightning test`: the folder's config is printed or scored again; what is wrong is one line."""

import pytest

from genolightning.commands import test as command
from tests.helpers.tiny import run


def test_the_config_of_the_run_is_printed_and_nothing_is_done(folder, capsys):
    assert run("test", f"run={folder}", "--cfg", "job") == 0
    assert "seed: 5" in "".join(capsys.readouterr())
    assert [file.name for file in folder.iterdir()] == [".hydra"]


@pytest.mark.parametrize(("words", "message"), [([], "which run?"), (["run=none"], "none")])
def test_a_run_that_is_not_named_or_not_there_is_one_line(words, message, capsys):
    assert run("test", *words) == 2
    printed = "".join(capsys.readouterr()).strip()
    assert message in printed
    assert "\n" not in printed


def test_a_process_without_a_record_prints_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "run_test", lambda *_, **__: (tmp_path, None))
    assert command.main(["run=x"]) == 0
    assert "".join(capsys.readouterr()) == ""
