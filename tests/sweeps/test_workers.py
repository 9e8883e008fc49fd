"""Sweeps: points are processes of their own, nothing finished is run again, one that fails does not stop the rest."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from genolightning.errors import UserError
from genolightning.paths import logs_dir, sweeps_dir
from genolightning.sweeps import optuna_search as study
from genolightning.sweeps import search_space as spaces
from genolightning.sweeps.slurm import command
from genolightning.sweeps.status import state_of
from genolightning.sweeps.workers import Held, end, run_grid
from tests.helpers.tiny import run, write_table

SMALL = ["model=convnet", "model.backbone.dim=8", "model.backbone.blocks=1", "trainer=cpu", "trainer.max_epochs=1"]


class Stub:
    """A worker that only notes what it is given to run, and fails where the words say seed=3."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.stopped = type("Never", (), {"is_set": staticmethod(lambda: False)})

    def run(self, point, look=lambda: True, *, every_s=2.0) -> int:
        self.ran.append(" ".join(point.words))
        if "seed=3" in point.words:
            (point.folder / "output.txt").write_text("Traceback\ngenolightning: three is refused\n")
            return 2
        (point.folder / "record.json").write_text("{}")
        return 0


@pytest.mark.parametrize("name", sorted(file.stem for file in sweeps_dir().glob("*.yaml")))
def test_every_shipped_sweep_composes(name):
    space = spaces.read(name, [])
    if space.settings["sampler"] == "grid":
        assert len(spaces.grid(space)) > 1
    else:
        assert len(study.distributions(space)) > 1
        assert spaces.point(space, [spaces.example(one) for one in space.ranges]).words


def test_a_grid_is_every_combination_and_words_take_the_place_of_the_file():
    points = spaces.grid(spaces.read("seeds", ["model=cnn,convnet", "seed=range(1,4)"]))
    assert [point.words for point in points] == [
        [f"seed={seed}", f"model={model}"] for seed in (1, 2, 3) for model in ("cnn", "convnet")
    ]
    assert len({point.folder for point in points}) == 6


def test_another_config_is_another_folder():
    one, other = (spaces.grid(spaces.read("seeds", [f"trainer.max_epochs={n}"]))[0].folder for n in (1, 2))
    assert one != other
    assert one.parent == other.parent


def test_smaller_shares_lie_inside_larger_ones_class_by_class():
    import numpy as np

    from genolightning.data.datamodule import cut_rows

    target = np.array([0] * 40 + [1] * 160)
    few, more, all_rows = (cut_rows(np.arange(200), target, share, [1, 2], least=1)[1] for share in (0.01, 0.1, 1.0))
    assert set(few) <= set(more) <= set(all_rows)
    assert [len(few), len(more), len(all_rows)] == [1 + 2, 4 + 16, 200]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["nothing"], "no sweep 'nothing'"),
        (["seed"], "did you mean seeds"),
        (["seeds", "dataset=glob(zz*)"], "has no points"),
        (["seeds", "optimizer.lr=interval(1,2)"], "add sampler=tpe"),
        (["seeds", "model=cnn,convnett"], "no such choice"),
        (["seeds", "workers=0"], "1 or more"),
        (["seeds", "launcher=lsf"], "there are local, slurm"),
        (["seeds", "sampler=best"], "grid, tpe, random"),
        (["seeds", "sampler=tpe", "optimizer.lr=interval(2,1)"], "optimizer.lr=interval(2,1): `low <= high`"),
        (["seeds", "sampler=tpe", "seed=range(5,1)"], "seed=range(5,1): no number lies between these"),
        (["seeds", "sampler=tpe", "storage=foo"], "storage=foo: wanted an Optuna storage's URL"),
        (["seeds", "launcher=slurm", "dry_run=true", "launcher.foo=1"], "launcher: "),
    ],
)
def test_a_mistake_is_told_in_one_line_before_anything_runs(given, told, capsys):
    assert run("sweep", *given) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not logs_dir().exists()


def test_nothing_finished_is_run_again_and_a_failure_does_not_stop_the_rest():
    points = spaces.grid(spaces.read("seeds", []))
    first, second = Stub(), Stub()
    run_grid(points, first)
    assert len(first.ran) == 5
    run_grid(points, second)
    assert second.ran == []
    failed = [state_of(point.folder, "x") for point in points if (point.folder / "error.txt").exists()]
    assert [(one.state, one.about) for one in failed] == [("failed", "genolightning: three is refused")]


def test_a_point_that_another_worker_holds_is_left_to_it():
    points = spaces.grid(spaces.read("seeds", []))
    worker = Stub()
    with Held(points[0].folder) as held:
        assert held
        run_grid(points, worker)
    assert [words.split()[0] for words in worker.ran] == [f"seed={seed}" for seed in (2, 3, 4, 5)]


def test_a_preempted_point_is_no_failure():
    point = spaces.grid(spaces.read("seeds", []))[0]
    point.folder.mkdir(parents=True)
    end(point, 143)
    assert not (point.folder / "error.txt").exists()


def test_the_slurm_script_is_printed_and_nothing_is_submitted(capsys):
    pytest.importorskip("submitit")
    words = ["seeds", "launcher=slurm", "launcher.slurm_partition=gpu", "workers=3", "dry_run=true", "model=cnn"]
    assert run("sweep", *words) == 0
    said = capsys.readouterr().out
    assert "#SBATCH --partition=gpu" in said
    assert "3 such jobs" in said
    assert command(words)[3:] == ["sweep", "seeds", "model=cnn", "workers=1", "launcher=null"]
    assert not logs_dir().exists()


def test_a_rehearsal_prints_the_points_and_runs_none(capsys):
    assert run("sweep", "seeds", "seed=range(1,3)", "dataset=motifs", "dry_run=true") == 0
    train = "genolightning train dataset=motifs seed="
    assert capsys.readouterr().out.splitlines() == [f"{train}1", f"{train}2"]
    assert run("sweep", "hyena_search", "dry_run=true") == 2
    assert "launcher=slurm" in capsys.readouterr().err
    assert not logs_dir().exists()


def test_an_exported_search_calls_our_train_with_the_same_space(capsys):
    assert run("sweep", "export", "hyena_search", "--format", "wandb") == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert made["method"] == "bayes"
    assert made["command"][:5] == ["${env}", "python", "-m", "genolightning", "train"]
    assert made["parameters"]["optimizer.lr"] == {"distribution": "log_uniform_values", "min": 1e-4, "max": 5e-3}
    assert "model=hyena" in made["command"]


def test_watch_tells_running_finished_failed_and_stopped_runs_from_their_folders(tmp_path, capsys):
    status = {"epoch": 1, "epochs": 3, "score_name": "val/auroc", "score": 0.5, "seconds_left": 75, "device": "cpu"}
    mine = {"host": __import__("socket").gethostname(), "pid": os.getpid(), "time": time.time()}
    empty: dict[str, dict] = {"metrics": {}, "facts": {}, "config": {}, "data_sha256": {}}
    record = {"schema": 1, "dataset": "toy", "split": "original", "model": "cnn", "seed": 1, "score": 0.75} | empty
    record["score_name"] = "auroc"
    kinds = {
        "a": {"status.json": json.dumps(status | mine)},
        "b": {"status.json": json.dumps(status | mine), "record.json": json.dumps(record)},
        "c": {"error.txt": "no such file\n"},
        "d": {"status.json": json.dumps(status | mine | {"pid": 2**22 + 1})},
        "e": {"status.json": "{half"},
    }
    for name, files in kinds.items():
        for file, text in {".hydra/config.yaml": "", **files}.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(text)
    assert run("watch", f"logs={tmp_path}", "--json") == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: row["state"] for name, row in found.items()} == {
        "a": "running", "b": "finished", "c": "failed", "d": "stopped", "e": "waiting"
    }  # fmt: skip
    assert (found["a"]["epoch"], found["a"]["left"], found["b"]["score"]) == ("2/3", "1 min 15 s", "test auroc 0.7500")


def test_a_search_prunes_fails_and_finishes_and_a_second_start_runs_nothing(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna")
    space = spaces.read(
        "seeds", ["sampler=random", "n_trials=6", "seed=1,2", "optimizer.lr=tag(log,interval(1e-4,.1))"]
    )
    ran: list[str] = []

    def fake(self, point, look=lambda: True, *, every_s=2.0) -> int:
        number = len(ran)
        ran.append(point.folder.name)
        if number == 1:
            (point.folder / "output.txt").write_text("genolightning: bad\n")
            return 2
        (point.folder / "status.json").write_text('{"score_name": "val/loss", "mode": "min"}')
        rows = "".join(f"{epoch},{epoch},{1 + number / 10}\n" for epoch in range(3))
        (point.folder / "metrics.csv").write_text("step,epoch,val/loss\n" + rows)
        look()
        (point.folder / "record.json").write_text("{}")
        return 0

    monkeypatch.setattr("genolightning.sweeps.workers.Worker.run", fake)
    points = study.search(space)
    assert ran == [f"{number:04d}" for number in range(6)]
    study.search(space)
    assert len(ran) == 6
    home = points[0].folder.parent
    assert (home / "best.txt").read_text().split() == points[0].words  # a loss: the smallest is best
    assert state_of(points[1].folder, "x").state == "failed"
    assert optuna


def test_what_failed_in_a_search_is_drawn_again_once_on_request(monkeypatch):
    pytest.importorskip("optuna")
    words = ["sampler=random", "n_trials=2", "seed=1,2", "optimizer.lr=interval(1e-4,.1)"]
    ran: list[list[str]] = []

    def fake(self, point, look=lambda: True, *, every_s=2.0) -> int:
        ran.append(point.words)
        if len(ran) == 1:
            (point.folder / "output.txt").write_text("genolightning: bad\n")
            return 2
        (point.folder / "status.json").write_text('{"score_name": "val/loss", "mode": "min"}')
        (point.folder / "metrics.csv").write_text("step,epoch,val/loss\n0,0,0.5\n")
        (point.folder / "record.json").write_text("{}")
        return 0

    monkeypatch.setattr("genolightning.sweeps.workers.Worker.run", fake)
    study.search(spaces.read("seeds", words))
    points = [study.search(spaces.read("seeds", [*words, "retry=true"])) for _ in range(2)][-1]
    assert len(ran) == 3
    assert ran[2] == ran[0]
    assert {point.folder.name for point in points} == {"0001", "0002"}


@pytest.mark.slow
def test_two_shells_that_run_the_same_sweep_share_its_points(tmp_path):
    table = write_table(tmp_path / "t.csv")
    start = [sys.executable, "-m", "genolightning", "sweep", "seeds", "dataset=table", f"dataset.train={table}", *SMALL]
    shells = [subprocess.Popen(start, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [shell.communicate()[0] for shell in shells]
    started = [line for text in said for line in text.splitlines() if line.startswith("starting")]
    assert len(started) == len(set(started)) == 5
    assert len(list((logs_dir() / "sweep" / "seeds").glob("*/record.json"))) == 5


def test_reading_a_broken_sweep_file_is_one_line(tmp_path):
    (tmp_path / "odd.yaml").write_text("- a\n- b\n")
    with pytest.raises(UserError, match="wanted lines of the form"):
        spaces.read("odd", [], Path(tmp_path))
