"""Trials are processes of their own, with the user's folder of configs and the packages that the user has typed."""

import subprocess
import sys

import pytest

from genolightning.paths import logs_dir
from genolightning.sweeps.grid import grid_trials
from genolightning.sweeps.search_space import Trial, read_space
from genolightning.sweeps.workers import report_exit, trial_command
from tests.helpers.tiny import write_table

SMALL = ["model=convnet", "model.backbone.dim=8", "model.backbone.blocks=1", "trainer=cpu", "trainer.max_epochs=1"]


def test_a_preempted_point_is_no_failure():
    trial = grid_trials(read_space("seeds", []))[0]
    trial.folder.mkdir(parents=True)
    report_exit(trial, 143)
    assert not (trial.folder / "error.txt").exists()


@pytest.mark.slow
def test_two_shells_that_run_the_same_sweep_share_its_points(tmp_path):
    table = write_table(tmp_path / "t.csv")
    start = [sys.executable, "-m", "genolightning", "sweep", "seeds", "dataset=table", f"dataset.train={table}", *SMALL]
    shells = [subprocess.Popen(start, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [shell.communicate()[0] for shell in shells]
    started = [line for text in said for line in text.splitlines() if line.startswith("starting")]
    assert len(started) == len(set(started)) == 5
    assert len(list((logs_dir() / "sweep" / "seeds").glob("*/record.json"))) == 5


def test_a_trial_is_started_with_the_folder_of_the_users_configs(tmp_path):
    trial = Trial(["seed=1"], tmp_path / "run", tmp_path)
    assert trial_command(trial)[3:] == [
        "train",
        "--config-dir",
        str(tmp_path),
        "seed=1",
        f"hydra.run.dir={trial.folder}",
    ]


def test_a_trial_that_goes_on_trusts_the_package_of_its_own_config(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "net.yaml").write_text("_target_: mypackage.model.Net\n_partial_: true\n")
    for model, trusted in [("net", ["trust=mypackage"]), ("convnet", [])]:
        folder = tmp_path / model
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "last.ckpt").touch()
        command = trial_command(Trial([f"model={model}"], folder, tmp_path))
        assert command[3:] == ["train", "--config-dir", str(tmp_path), f"resume={folder}", *trusted]
