"""Searches of real processes: killed, joined by a second shell, pruned. Nothing that finished is trained again."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partialmethod
from pathlib import Path

import pytest

from genolightning.paths import logs_dir
from genolightning.sweeps.optuna_search import WARMUP_EPOCHS, open_study
from genolightning.sweeps.search_space import read_space
from genolightning.sweeps.status import read_json, run_state
from genolightning.sweeps.workers import Worker
from tests.helpers.tiny import run, write_table

pytestmark = pytest.mark.slow
optuna = pytest.importorskip("optuna")

TINY = ["model.backbone.dim=8", "model.backbone.blocks=1", "trainer=cpu"]
RATES = "optimizer.lr=tag(log,interval(1e-9,1e-1))"


def sweep(*words: str, **more: object) -> subprocess.Popen:
    """`genolightning sweep WORDS` in a session of its own, so that its points can be killed with it."""
    start = [sys.executable, "-m", "genolightning", "sweep", *words]
    return subprocess.Popen(start, stdout=subprocess.PIPE, text=True, start_new_session=True, **more)


def finished(name: str) -> dict[Path, int]:
    """Every finished point, and when it was."""
    return {file: file.stat().st_mtime_ns for file in (logs_dir() / "sweep" / name).glob("**/record.json")}


def wait_for(points: int, name: str, process: subprocess.Popen) -> None:
    while len(finished(name)) < points:
        assert process.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize("children_too", [False, True], ids=["the sweep alone", "its points too"])
def test_a_search_killed_twice_ends_with_twelve_points_and_none_trained_twice(tmp_path, children_too):
    table = write_table(tmp_path / "t.csv", 120)
    words = ["hyena_search", "n_trials=12", "workers=2", "dataset=table", f"dataset.train={table}", "trainer=cpu"]
    words += ["model.backbone.dim=8,16", "trainer.max_epochs=3", "callbacks.checkpoint.every_n_steps=1"]
    seen: dict[Path, int] = {}
    for points in (2, 6):
        process = sweep(*words)
        wait_for(points, "hyena_search", process)
        (os.killpg if children_too else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
        seen |= finished("hyena_search")
    process = sweep(*words)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    done = finished("hyena_search")
    assert len(done) == 12
    assert seen.items() <= done.items()  # what was finished was not touched again
    for file in done:
        # none where the kill came between the record and its telling
        assert (file.parent / "output.txt").read_text().count("test score") <= 1
        steps = [line.split(",")[0] for line in (file.parent / "metrics.csv").read_text().splitlines()]
        assert len(steps) == len(set(steps))
    best = next((logs_dir() / "sweep" / "hyena_search").glob("*/best.txt")).read_text()
    assert f"genolightning train {best}" in said
    assert run("train", *best.split(), f"hydra.run.dir={tmp_path / 'best'}") == 0


def test_two_shells_join_one_study_and_no_point_is_run_twice(tmp_path):
    table = write_table(tmp_path / "t.csv", 120)
    words = ["seeds", "seed=1", RATES, "sampler=random", "n_trials=8", "dataset=table", f"dataset.train={table}"]
    words += [*TINY, "model=convnet", "trainer.max_epochs=2", "storage=null"]
    shells = [sweep(*words), sweep(*words)]
    said = [shell.communicate()[0].splitlines() for shell in shells]
    assert [shell.returncode for shell in shells] == [0, 0]
    started = [[line.split()[1] for line in lines if line.startswith("starting")] for lines in said]
    assert sorted(started[0] + started[1]) == [f"{number:04d}" for number in range(8)]
    assert min(map(len, started)) > 0  # both had their share
    assert len(finished("seeds")) == 8


def test_a_hopeless_draw_is_ended_early_and_never_taken_up_again(tmp_path, monkeypatch):
    monkeypatch.setattr(Worker, "run", partialmethod(Worker.run, every_s=0.1))  # a look at it, in a run of seconds
    table = write_table(tmp_path / "t.csv", 120)
    words = ["seed=1", RATES, "sampler=random", "n_trials=7", "dataset=table", f"dataset.train={table}", *TINY]
    words += ["model=convnet", "trainer.max_epochs=40"]
    opened, home = open_study(read_space("seeds", words))
    for rate in (1e-2, 1e-2, 1e-2, 1e-2, 1e-2, 1e-9, 1e-2):
        opened.enqueue_trial({"optimizer.lr": rate})
    assert run("sweep", "seeds", *words) == 0
    states = [trial.state.name for trial in opened.trials]
    assert states == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    hopeless = home / "0005"
    assert run_state(hopeless, "x").state == "pruned"
    assert not (hopeless / "record.json").exists()
    assert WARMUP_EPOCHS <= read_json(hopeless / "status.json")["epoch"] < 39
    before = {path: path.stat().st_mtime_ns for path in home.glob("*/*") if path.name != ".sweep.lock"}
    assert run("sweep", "seeds", *words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert json.loads((home / "0006" / "record.json").read_text())["score"] > 0
