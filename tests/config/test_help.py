"""Command lines and the help that is written from the config files."""

import argparse

import pytest

from genolightning.config import help as texts
from genolightning.config.help import about, choices, near, options, parse
from genolightning.errors import UserError
from genolightning.paths import conf_dir


def test_choices_are_sorted_and_ours_win_over_the_users(tmp_path):
    (tmp_path / "model").mkdir()
    for name in ("aaa", "convnet"):
        (tmp_path / "model" / f"{name}.yaml").write_text("")
    found = choices("model", tmp_path)
    assert list(found) == sorted(found)
    assert found["aaa"] == tmp_path / "model" / "aaa.yaml"
    assert found["convnet"] == conf_dir() / "model" / "convnet.yaml"
    assert choices("no_such_group") == {}


@pytest.mark.parametrize(
    ("wrong", "text"), [("convnt", "did you mean convnet? "), ("zzz", ""), ("convnet", "did you mean convnet? ")]
)
def test_a_close_name_is_suggested(wrong, text):
    assert near(wrong, iter(["convnet", "hyena"])) == text


def test_a_file_is_described_by_its_first_comment(tmp_path):
    file = tmp_path / "a.yaml"
    for content, text in (
        ("# @package _global_\n# What it is.\nname: a\n", "What it is."),
        ("name: a\n# later\n", ""),
        ("", ""),
    ):
        file.write_text(content)
        assert about(file) == text


def test_every_shipped_choice_of_a_group_is_described():
    groups = ("dataset", "model", "trainer", "experiment", "optimizer", "scheduler", "logger", "callbacks")
    assert [file for group in groups for file in choices(group).values() if not about(file)] == []


def test_words_become_overrides_and_options_in_any_order(tmp_path):
    args = parse("train", ["model=cnn", "--config-dir", str(tmp_path), "seed=3", "--cfg", "job"])
    assert (args.overrides, args.cfg, args.config_dir) == (["model=cnn", "seed=3"], "job", tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cfg", "all"], "genolightning train --help"),
        (["--config"], "genolightning train --help"),
        (["--config-dir", "/no/such"], "no such folder"),
    ],
)
def test_a_wrong_option_is_one_line(words, message):
    with pytest.raises(UserError, match=message) as error:
        parse("train", words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("verb", ["train", "test", "predict"])
def test_help_names_groups_keys_and_examples_and_leaves(verb, monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(texts, "say", lambda *text: lines.extend("\n".join(text).splitlines()))
    with pytest.raises(SystemExit) as stop:
        parse(verb, ["--help"])
    assert not stop.value.code
    assert {"options", "examples"} <= set(lines)


def test_a_verb_with_plain_options_has_json_and_its_examples():
    parser = options("datasets list", "list them", ["", "--kind binary"])
    assert isinstance(parser, argparse.ArgumentParser)
    assert parser.parse_args(["--json"]).json
    assert "  genolightning datasets list --kind binary" in parser.format_help()
    with pytest.raises(UserError, match="genolightning datasets list --help"):
        parser.parse_args(["--js"])
