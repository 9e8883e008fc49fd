"""From a config to the objects of a run: what is instantiated, and what is refused before."""

import copy

import lightning.pytorch as pl
import pytest
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn

from genolightning.config.compose import compose
from genolightning.config.objects import (
    build_dataset,
    build_objects,
    build_trainer,
    check_logger_packages,
    configured_callbacks,
    experiment_of,
    python_objects,
    task_and_model,
)
from genolightning.errors import UserError
from genolightning.training.tasks import for_facts
from tests.helpers.training import FACTS, module

TASK = for_facts(FACTS)


@pytest.fixture(scope="module")
def composed() -> dict:
    return compose("train", ["model=cnn_probe", "dataset=gue_tf_0", "trainer=cpu"]).config


@pytest.fixture
def config(composed) -> dict:
    return copy.deepcopy(composed)


def test_a_dataset_is_built_without_reading_a_file(config, monkeypatch, tmp_path):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    assert build_dataset(config).benchmark.name == "gue_tf_0"


def test_a_model_carries_what_it_was_made_from(config):
    task, model = task_and_model(config, FACTS)
    assert task.monitor == TASK.monitor
    assert model.provenance["facts"] == FACTS.as_dict()
    assert model.provenance["config"] == config


def test_a_lightning_module_of_the_users_own_is_taken_as_it_is(config):
    own = module()
    assert task_and_model(config, FACTS, model=own)[1] is own


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5])
def test_a_seed_that_numpy_does_not_take_is_refused(config, seed):
    with pytest.raises(UserError, match="seed"):
        build_objects(config | {"seed": seed})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"val_check_interval": 0}, "wanted 1 or more"),
        ({"accumulate_grad_batches": -1}, "wanted 1 or more"),
        ({"gradient_clip_val": -0.1}, "wanted 0 or more"),
        ({"fast_dev_run": True}, "trainer=debug"),
    ],
)
def test_a_trainer_setting_that_makes_no_run_is_refused(config, settings, message):
    with pytest.raises(UserError, match=message):
        build_trainer(config | {"trainer": config["trainer"] | settings})


def test_a_trainer_writes_into_the_run_folder_and_validates_only_where_there_are_rows(config, tmp_path):
    trainer = build_trainer(config, tmp_path, validates=False)
    assert trainer.default_root_dir == str(tmp_path)
    assert trainer.limit_val_batches == 0
    assert trainer.max_epochs == config["trainer"]["max_epochs"]


def test_a_partial_callback_gets_the_monitor_of_the_task(config):
    node = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "_partial_": True, "patience": 3}
    config["callbacks"] = {"stop": node, "off": None, "checkpoint": {"every_n_steps": 1}}
    (stop,) = configured_callbacks(config, TASK)
    assert isinstance(stop, EarlyStopping)
    assert (stop.monitor, stop.mode, stop.patience) == (f"val/{TASK.monitor}", TASK.mode, 3)
    with pytest.raises(UserError, match=r"callbacks\.stop=null"):
        configured_callbacks(config, TASK, validates=False)


def test_a_logger_whose_package_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("genolightning.config.objects.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install tensorboard"):
        check_logger_packages({"logger": {"own": {"_target_": "a.TensorBoardLogger"}}})
    check_logger_packages({"logger": {"own": None, "csv": {"_target_": "a.CSVLogger"}}})


def test_an_experiment_is_the_same_whatever_the_seed(config):
    assert experiment_of(config) == experiment_of(config | {"seed": 77})
    other = copy.deepcopy(config)
    other["trainer"]["max_epochs"] += 1
    assert experiment_of(config) != experiment_of(other)


def test_python_objects_of_a_config_are_named(config):
    from genolightning.config.python_objects import object_config

    assert python_objects(config) == []
    assert python_objects(config | {"model": object_config(nn.Identity())}) == ["model"]
    assert python_objects(config | {"model": object_config(pl.LightningModule())}) == ["model"]
