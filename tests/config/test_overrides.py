"""Overrides from Python values mean what the same text on the command line means."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from genolightning.config.compose import compose
from genolightning.config.overrides import check_resumable, from_values, prepared, quote, value_of
from genolightning.errors import UserError


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer.lr": 0.5, "dataset.batch_size": 32},
        {"optimizer": {"lr": 0.5}, "dataset": {"batch_size": 32}},
        {"optimizer__lr": 0.5, "dataset__batch_size": np.int64(32)},
        {"optimizer": {"lr": np.float64(0.5)}, "dataset__batch_size": 32},
    ],
)
def test_every_form_of_python_overrides_is_the_same_config(values):
    assert (
        compose("train", from_values(values)).config
        == compose("train", ["optimizer.lr=0.5", "dataset.batch_size=32"]).config
    )


@pytest.mark.parametrize("text", ["a b", "it's", "a,b=c", "", "null", "3", "[x]", "back\\slash\\", "a'\\'b", "true"])
def test_text_stays_text(text):
    cfg = compose("train", from_values({"dataset.name": text}))
    assert cfg.config["dataset"]["name"] == text


@pytest.mark.parametrize("value", [None, True, 7, 1e-7, float("inf"), [1, 2], ["a,b", None], {"shift_bp": 3}])
def test_values_keep_their_type(value):
    (override,) = from_values({"+dataset.value": value} if not isinstance(value, dict) else {"dataset.augment": value})
    config = compose("train", [override]).config["dataset"]
    assert config["value" if not isinstance(value, dict) else "augment"] == (
        value if not isinstance(value, dict) else {"reverse_complement": False, "shift_bp": 3, "substitute": 0.0}
    )


def test_paths_need_no_quotes():
    (override,) = from_values({"dataset.train": Path("/data/a=b, c.csv")})
    assert compose("train", ["dataset=table", override]).config["dataset"]["train"] == "/data/a=b, c.csv"


def test_an_object_is_no_value_of_a_config():
    with pytest.raises(UserError, match="cannot be written into a config"):
        from_values({"optimizer.lr": object()})


def test_the_last_value_counts():
    assert value_of(["run=a", "+run='b c'"], "run") == "b c"
    assert value_of(["run=a", "run=null"], "run") is None


def test_quoting_survives_hydra():
    for text in ("a'b", "a\\", "\\'", "x,y"):
        assert OmegaConf.select(compose("train", [f"dataset.name={quote(text)}"]).cfg, "dataset.name") == text


def test_an_optional_key_is_added_where_a_yaml_lacks_it():
    assert prepared("model.clip=1") == "++model.clip=1"
    assert prepared("seed=1") == "seed=1"


@pytest.mark.parametrize(
    "override", ["seed=2", "optimizer.lr=1", "optimizer={lr: 1}", "model.mine=3", "dataset.split=clean"]
)
def test_a_resumed_run_refuses_what_it_would_ignore(override):
    with pytest.raises(UserError, match="goes on as it was begun"):
        check_resumable(["trainer.max_epochs=3", override])


def test_a_key_that_an_interpolation_reads_may_be_added():
    config = compose("train", ["+my_rate=0.25", "optimizer.lr=${my_rate}"]).config
    assert config["optimizer"]["lr"] == 0.25
