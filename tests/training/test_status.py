"""status.json: how far a run is, and how long it has taken with all its beginnings."""

import json
import os
from types import SimpleNamespace

import torch

from genolightning.training.status import ElapsedTime, StatusFile, elapsed_before


def trainer(step: int, **more) -> SimpleNamespace:
    loop = SimpleNamespace(epoch_loop=SimpleNamespace(total_batch_idx=step))
    return SimpleNamespace(
        **{
            "fit_loop": loop,
            "num_training_batches": 10,
            "max_epochs": 2,
            "current_epoch": step // 10,
            "global_step": step,
            "callback_metrics": {"val/loss": torch.tensor(0.5)},
            "strategy": SimpleNamespace(root_device=torch.device("cpu")),
            "world_size": 1,
            "sanity_checking": False,
        }
        | more
    )


def test_a_status_names_score_step_and_process_and_counts_the_time_of_earlier_ones(tmp_path):
    first = StatusFile(tmp_path, monitor="val/loss", mode="min")
    first.on_train_start(trainer(0), None)
    first.on_validation_end(trainer(10), None)
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["step"], status["score"], status["mode"], status["pid"]) == (10, 0.5, "min", os.getpid())
    assert status["seconds_left"] >= 0
    again = StatusFile(tmp_path, monitor="val/loss", mode="min")
    assert again.before == ElapsedTime(status["seconds"], status["cpu_seconds"])
    assert elapsed_before(SimpleNamespace(callbacks=[again])) == again.before


def test_a_fresh_run_or_a_damaged_status_counts_from_zero(tmp_path):
    (tmp_path / "status.json").write_text("{")
    assert StatusFile(tmp_path, monitor="val/loss", mode="min").before == ElapsedTime()
    assert elapsed_before(SimpleNamespace(callbacks=[])) == ElapsedTime()
