"""`genolightning predict`: the config is printed, or the overrides are handed on; what is wrong is one line."""

import pytest

from genolightning.commands import predict as command
from tests.helpers.tiny import run


def test_the_config_of_the_run_is_printed_and_nothing_is_done(folder, capsys):
    assert run("predict", f"run={folder}", "input=a", "output=b.csv", "--cfg", "job") == 0
    assert "seed: 5" in "".join(capsys.readouterr())
    assert [file.name for file in folder.iterdir()] == [".hydra"]


@pytest.mark.parametrize(("words", "message"), [([], "which run?"), (["run=none"], "none")])
def test_a_run_that_is_not_named_or_not_there_is_one_line(words, message, capsys):
    assert run("predict", *words) == 2
    printed = "".join(capsys.readouterr()).strip()
    assert message in printed
    assert "\n" not in printed


def test_overrides_and_the_config_folder_are_handed_on(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(command, "run_prediction", lambda overrides, config_dir: calls.append((overrides, config_dir)))
    assert command.main(["run=x", "--config-dir", str(tmp_path), "input=in.fa"]) == 0
    assert calls == [(["run=x", "input=in.fa"], tmp_path)]
