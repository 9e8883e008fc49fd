"""The end of a run: what is counted and said without a fit."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from genolightning.runs.evaluate import RunObjects, parameter_count, protocol, tune_threshold
from genolightning.training.tasks import for_facts
from tests.helpers.training import FACTS, module


def objects(facts=FACTS, *, validates: bool = True) -> RunObjects:
    return RunObjects(SimpleNamespace(validates=validates), facts, for_facts(facts), module())


@pytest.mark.parametrize(
    ("name", "validates", "words"),
    [
        ("best.ckpt", True, "epoch chosen on validation "),
        ("last.ckpt", True, "last epoch"),
        ("last.ckpt", False, "last epoch, no validation"),
    ],
)
def test_the_protocol_names_what_chose_the_epoch(name, validates, words):
    chosen = objects(validates=validates)
    expected = words + chosen.task.monitor if words.endswith(" ") else words
    assert protocol(chosen, Path("run/checkpoints") / name) == expected


def test_frozen_parameters_count_and_buffers_do_not():
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    model[0].weight.requires_grad_(False)
    assert parameter_count(model) == 3 * 2 + 2 + 2 + 2


@pytest.mark.parametrize(
    "run",
    [
        objects(validates=False),
        objects(FACTS._replace(resolution_bp=1)),
        objects(FACTS._replace(kind="multiclass", classes=["a", "b", "c"])),
    ],
)
def test_no_threshold_is_tuned_without_validation_or_two_classes_a_sequence(run, tmp_path):
    assert tune_threshold(run, None, tmp_path) is None  # no trainer is needed: nothing is predicted
