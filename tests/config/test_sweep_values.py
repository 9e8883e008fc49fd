"""Overrides of a sweep become plain values."""

import pytest

from genolightning.config.sweep_values import (
    Choice,
    Interval,
    Range,
    foreign_packages,
    parse_sweep_overrides,
    training_config,
)
from genolightning.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer.lr=1e-3,1e-2", Choice("optimizer.lr", "optimizer.lr=1e-3,1e-2", ("0.001", "0.01"))),
        ("seed=range(1,4)", Range("seed", "seed=range(1,4)", ("1", "2", "3"), 1, 4, 1)),
        ("a.b=interval(1,8)", Interval("a.b", "a.b=interval(1,8)", 1, 8, log=False)),
        ("a.b=tag(log,interval(.1,8))", Interval("a.b", "a.b=tag(log,interval(.1,8))", 0.1, 8, log=True)),
    ],
)
def test_lists_ranges_and_intervals_are_plain_values(text, expected):
    assert parse_sweep_overrides(["model=cnn", text]) == (["model=cnn"], [expected])


def test_a_glob_stands_for_the_choices_of_its_group_also_of_the_users_own(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "basic.yaml").write_text("# mine\n")
    _, (varied,) = parse_sweep_overrides(["model=glob(bas*)"], tmp_path)
    assert isinstance(varied, Choice)
    assert varied.values == ("basic", "basset")


def test_an_interval_of_whole_numbers_is_whole():
    assert Interval("a", "", 1, 2, log=False).whole
    assert not Interval("a", "", 1, 2.5, log=False).whole


def test_a_malformed_value_is_one_line():
    with pytest.raises(UserError, match="a sweep's values are Hydra's"):
        parse_sweep_overrides(["seed=range(1"])


def test_a_config_has_first_names_and_its_foreign_packages_are_found():
    config = training_config(["model=convnet"])
    assert config["model"]["_target_"] == "genolightning.module.SequenceModule"
    assert foreign_packages(config) == []
    assert foreign_packages({"a": {"_target_": "mine.net.Net", "list": [{"_target_": "other.A"}]}}) == ["mine", "other"]
