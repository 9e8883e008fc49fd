"""Every path that a class ever had leads to the class."""

from importlib import import_module

import pytest

from genolightning.config.renamed_targets import (
    CLASSES,
    MODULES,
    current_name,
    first_name,
    with_current_names,
    with_first_names,
)

IN_SAVED_CONFIGS = [
    "genolightning.module.SequenceModule",
    "genolightning.module.WarmupCosine",
    "genolightning.tasks.SigmoidTwice",
    "genolightning.callbacks.Ema",
    "genolightning.callbacks.MetricsFile",
    "genolightning.callbacks.Wandb",
    "genolightning.data.windows.GenomeWindowsDataModule",
    "genolightning.data.datamodule.TableDataModule",
    "genolightning.data.datamodule.MotifsDataModule",
    "genolightning.data.datamodule.IntervalDataModule",
    "genolightning.models.convnet.ConvNet",
    "genolightning.models.cnn.FlattenHead",
    "genolightning.models.basset.UnitsHead",
    "genolightning.models.resnet.ProbeHead",
    "genolightning.models.hyena.Hyena",
    "genolightning.models.transformer.Transformer",
]


@pytest.mark.parametrize("old", [*IN_SAVED_CONFIGS, *CLASSES])
def test_a_path_of_a_saved_config_names_a_class_that_exists(old):
    module, _, name = current_name(old).rpartition(".")
    assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize("old", IN_SAVED_CONFIGS)
def test_the_first_name_is_found_again_from_the_present_one(old):
    assert first_name(current_name(old)) == old == first_name(old)


def test_a_path_of_nobody_of_ours_stays():
    for path in ("torch.optim.AdamW", "mypackage.module.SequenceModule", "genolightning", ""):
        assert current_name(path) == first_name(path) == path


def test_every_target_of_a_config_is_renamed_and_nothing_else():
    old = {"a": {"_target_": "genolightning.module.SequenceModule", "note": "genolightning.module.SequenceModule"}}
    old["list"] = [{"_target_": "genolightning.tasks.SigmoidTwice"}, 1, None]
    new = with_current_names(old)
    assert new["a"]["_target_"] != old["a"]["_target_"]
    assert new["a"]["note"] == old["a"]["note"]
    assert with_first_names(new) == old


def test_no_new_path_is_an_old_one_of_another():
    assert not set(MODULES) & set(MODULES.values())
