"""Overrides and YAML composed into a config: what is chosen, resolved, renamed and refused."""

from pathlib import Path

import pytest

from genolightning.config.compose import compose, leaves, show
from genolightning.config.renamed_targets import CLASSES, current_name
from genolightning.errors import UserError


def test_the_choices_of_all_groups_are_in_the_config():
    config = compose("train", ["model=cnn", "dataset=gue_tf_0"]).config
    assert {"model": "cnn", "dataset": "gue_tf_0"}.items() <= config["choices"].items()
    assert "hydra" not in config
    assert list(config["choices"]) == sorted(config["choices"])


def test_text_keeps_interpolations_that_the_config_resolves():
    composed = compose("train", ["model=cnn", "dataset=gue_tf_0", "seed=5"])
    assert "${" in composed.text
    assert not [value for _, value in leaves(composed.config) if isinstance(value, str) and "${" in value]


def test_a_config_that_was_saved_composes_to_itself_with_an_override():
    first = compose("train", ["model=cnn", "dataset=gue_tf_0"]).config
    again = compose("saved", ["seed=9"], saved=first).config
    assert again == first | {"seed": 9}


def test_classes_have_their_present_names(tmp_path):
    old = next(name for name in CLASSES if current_name(name) != name)
    saved = compose("train", ["model=cnn", "dataset=gue_tf_0"]).config
    saved["callbacks"] = {"own": {"_target_": old}}
    assert compose("saved", [], saved=saved).config["callbacks"]["own"]["_target_"] == current_name(old)


def test_the_run_folder_is_the_one_named_or_a_new_one(tmp_path, monkeypatch):
    named = compose("train", ["model=cnn", "dataset=gue_tf_0", f"hydra.run.dir={tmp_path / 'a'}"])
    assert named.folder("train") == tmp_path / "a"
    free = compose("train", ["model=cnn", "dataset=gue_tf_0"])
    assert free.run_dir is None
    folder = free.folder("train")
    assert Path(tmp_path / "logs") in folder.parents
    assert "gue_tf_0" in str(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=cnnn", r"model=cnnn: no such choice; did you mean cnn\?"),
        ("trainer.max_epoch=3", r"trainer\.max_epoch.*did you mean max_epochs\?"),
        ("seed", "not of the form key=value"),
        ("dataset.name=${nowhere}", "nowhere"),
        ("model=null", "model=null: name one of basset, cnn"),
        ("~model", "model"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_there_is(override, message):
    with pytest.raises(UserError, match=message) as error:
        compose("train", ["dataset=gue_tf_0", override])
    assert "\n" not in str(error.value)


def test_leaves_are_dotted_keys_of_dicts_and_lists():
    node = {"a": {"b": 1, "c": [2, {"d": None}]}, "e": {}}
    assert list(leaves(node)) == [("a.b", 1), ("a.c.0", 2), ("a.c.1.d", None)]


def test_a_shown_config_is_resolved_yaml(capsys):
    assert show(compose("train", ["model=cnn", "dataset=gue_tf_0", "seed=5"])) == 0
    printed = "".join(capsys.readouterr())
    assert "seed: 5" in printed
    assert "${" not in printed
