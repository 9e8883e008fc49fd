"""One training run: which epoch is tested, how many epochs are enough, and what a failed fit leaves behind."""

from types import SimpleNamespace

import lightning.pytorch as pl
import pytest

from genolightning.errors import ProcessLost, UserError
from genolightning.runs import train
from genolightning.runs.evaluate import RunObjects
from genolightning.runs.train import (
    apply_min_steps,
    checkpoint_callbacks,
    checkpoint_to_test,
    describe_objects,
    fit,
    resume_from,
)
from genolightning.training.checkpoints import BestCheckpoint
from genolightning.training.resume import ResumeCheckpoint
from genolightning.training.tasks import for_facts
from tests.helpers.training import FACTS, module

TASK = for_facts(FACTS)


def objects() -> RunObjects:
    return RunObjects(SimpleNamespace(benchmark=SimpleNamespace(name="toy")), FACTS, TASK, module())


def failing(error: BaseException, world_size: int = 1) -> SimpleNamespace:
    def stop(*_, **__) -> None:
        raise error

    return SimpleNamespace(fit=stop, world_size=world_size, is_global_zero=True)


def trainer(**more) -> pl.Trainer:
    settings = {"max_epochs": 2, "logger": False, "accelerator": "cpu", "enable_checkpointing": False} | more
    return pl.Trainer(enable_progress_bar=False, enable_model_summary=False, **settings)


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({"min_steps": 20}, 5),  # 64 rows in batches of 16 are 4 steps an epoch
        ({"min_steps": 21}, 6),
        ({"min_steps": 8}, 2),
        ({"min_steps": 20, "accumulate_grad_batches": 2}, 10),
        ({"min_steps": 20, "accumulate_grad_batches": 3}, 10),
        ({"min_steps": 20, "limit_train_batches": 2}, 2),
        ({"min_steps": 20, "limit_train_batches": 0.5}, 2),
        ({}, 2),
    ],
)
def test_a_small_dataset_gets_as_many_epochs_as_the_least_steps_need(settings, epochs):
    made = trainer(**settings)
    apply_min_steps(made, 16, FACTS)
    assert made.max_epochs == epochs


def test_one_line_says_what_is_trained():
    line = describe_objects(objects(), "convnet")
    assert line.startswith("toy: binary, 64 train rows of 30 to 30 bp; convnet: ")
    assert line.endswith(" parameters")


def test_the_resume_checkpoint_comes_last_and_the_best_one_only_with_validation(tmp_path):
    callbacks = checkpoint_callbacks(tmp_path, TASK, seed=1)
    assert isinstance(callbacks[-1], ResumeCheckpoint)
    assert sum(isinstance(one, BestCheckpoint) for one in callbacks) == 1
    assert not [
        one for one in checkpoint_callbacks(tmp_path, TASK, seed=1, validates=False) if isinstance(one, BestCheckpoint)
    ]
    with pytest.raises(UserError, match="callbacks.checkpoint"):
        checkpoint_callbacks(tmp_path, TASK, seed=1, settings={"every": 3})


def test_the_best_epoch_is_tested_and_without_an_epoch_there_is_an_error(tmp_path):
    best = BestCheckpoint(tmp_path, monitor="val/loss", mode="min")
    with pytest.raises(UserError, match=r"raise trainer\.max_epochs"):
        checkpoint_to_test([best], tmp_path)
    best.best_model_path = str(tmp_path / "best.ckpt")
    assert checkpoint_to_test([best], tmp_path) == tmp_path / "best.ckpt"


def test_a_failed_fit_leaves_its_error_in_the_folder_and_a_new_one_removes_it(tmp_path):
    with pytest.raises(RuntimeError, match="two lines"):
        fit(failing(RuntimeError("two\n  lines".replace("\n ", ""))), objects(), tmp_path)
    assert (tmp_path / "error.txt").read_text() == "RuntimeError: two lines\n"
    fit(SimpleNamespace(fit=lambda *_, **__: None), objects(), tmp_path)
    assert not (tmp_path / "error.txt").exists()


def test_a_lost_process_is_named_only_where_there_are_several(tmp_path):
    with pytest.raises(ProcessLost, match="another process"):
        fit(failing(RuntimeError("gloo: Connection closed"), 2), objects(), tmp_path)
    assert "train resume=" in (tmp_path / "error.txt").read_text()
    with pytest.raises(RuntimeError, match="Connection closed"):
        fit(failing(RuntimeError("gloo: Connection closed")), objects(), tmp_path)


def test_an_interval_that_lightning_refuses_is_an_error_of_the_user(tmp_path):
    with pytest.raises(UserError, match=r"trainer\.val_check_interval"):
        fit(failing(ValueError("`val_check_interval` (9) must be less")), objects(), tmp_path)
    assert not (tmp_path / "error.txt").exists()


def test_an_interrupted_fit_prints_how_to_resume(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(train, "say", lines.append)
    with pytest.raises(KeyboardInterrupt):
        fit(failing(KeyboardInterrupt()), objects(), tmp_path)
    assert lines == [f"stopped; there is no checkpoint yet. Go on with: genolightning train resume={tmp_path}"]


def test_a_damaged_last_checkpoint_is_passed_over_aloud(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(train, "say", lines.append)
    assert resume_from(tmp_path) is None
    assert lines == []
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_bytes(b"damaged")
    assert resume_from(tmp_path) is None
    assert "last.ckpt" in lines[0]
    assert "the start" in lines[0]
