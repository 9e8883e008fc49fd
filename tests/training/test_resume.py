"""Killed anywhere and gone on with, a run ends with the same bits as if it had been left alone."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from genolightning.config.compose import compose
from genolightning.errors import UserError
from genolightning.runs.folder import run_folder
from tests.helpers.make import noisy_table
from tests.helpers.tiny import run, train, write_table

SMALL = ["model=convnet", "model.backbone.dim=8", "model.backbone.blocks=1", "trainer=cpu", "dataset.batch_size=8"]
OFTEN = ["trainer.max_epochs=3", "trainer.log_every_n_steps=2", "callbacks.checkpoint.every_n_steps=4"]
FAULTS = ("first", "middle", "last", "moved", "torn", "told")


def words(table: Path, folder: Path, *more: str) -> list[str]:
    return ["train", "dataset=table", f"dataset.train={table}", *SMALL, *OFTEN, f"hydra.run.dir={folder}", *more]


def do(jobs: list[dict[str, Any]], cache: Path) -> list[dict[str, Any]]:
    """The jobs of tests/killed.py, in a process of their own."""
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-m", "tests.helpers.killed", json.dumps(jobs)],
        cwd=root,
        env=os.environ | {"GENOLIGHTNING_CACHE": str(cache)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    results: list[dict[str, Any]] = json.loads(found.stdout)
    return results


def evidence(folder: Path) -> dict[str, Any]:
    """All that a finished run leaves, but for where it lay: weights, optimiser, counters, best scores, csv, scores."""
    seen: dict[str, Any] = {}
    for name in ("best", "last"):
        checkpoint = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        seen |= {f"{name}/{key}": value for key, value in leaves(checkpoint, folder)}
    seen["metrics.csv"] = (folder / "metrics.csv").read_text()
    seen["predictions"] = hashlib.sha256((folder / "predictions.parquet").read_bytes()).hexdigest()
    seen["scores"] = json.loads((folder / "record.json").read_text())["metrics"]
    return seen


def leaves(value: Any, folder: Path, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, folder, f"{at}/{Path(str(key)).name}")
    elif isinstance(value, (list, tuple)):
        for key, one in enumerate(value):
            yield from leaves(one, folder, f"{at}/{key}")
    elif isinstance(value, torch.Tensor):
        yield at, hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    elif not isinstance(value, str):
        yield at, value


def assert_same(one: Path, other: Path) -> None:
    a, b = evidence(one), evidence(other)
    assert {key: (a.get(key), b.get(key)) for key in a.keys() | b.keys() if a.get(key) != b.get(key)} == {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run left alone, and one for each fault, killed and gone on with."""
    home = tmp_path_factory.mktemp("runs")
    table = noisy_table(home / "t.csv")
    kill = {"first": 0.0, "middle": 0.4, "last": 1.0, "moved": 0.7, "torn": 0.6, "told": 0.5}
    jobs: list[dict[str, Any]] = [{"words": words(table, home / name)} for name in ("warm", "alone")]
    for name in FAULTS:
        number = signal.SIGTERM if name == "told" else signal.SIGKILL
        jobs.append({"words": words(table, home / name), "kill_at": kill[name], "signal": number})
        if name == "moved":
            jobs.append({"move": [str(home / "moved"), str(home / "elsewhere")]})
        if name == "torn":
            jobs.append({"truncate": str(home / "torn" / "checkpoints" / "last.ckpt")})
        jobs.append({"words": ["train", f"resume={home / ('elsewhere' if name == 'moved' else name)}"]})
    results = do(jobs, home / "cache")
    alone, faults = results[1], results[2:]
    assert alone["code"] == 0, alone["said"]
    return home, {name: (faults[2 * i], faults[2 * i + 1]) for i, name in enumerate(FAULTS)}


@pytest.mark.parametrize("name", ["first", "middle", "last"])
def test_a_killed_run_ends_with_the_same_bits(runs, name):
    home, results = runs
    killed, resumed = results[name]
    assert (killed["code"], resumed["code"]) == (-signal.SIGKILL, 0), resumed["said"]
    assert_same(home / "alone", home / name)


def test_a_run_folder_may_be_moved_between_kill_and_resume(runs):
    home, results = runs
    assert results["moved"][1]["code"] == 0, results["moved"][1]["said"]
    assert_same(home / "alone", home / "elsewhere")


def test_of_a_torn_last_checkpoint_the_one_before_is_used_and_said_so(runs):
    home, results = runs
    assert "is torn; going on from the one before, last.ckpt.prev" in results["torn"][1]["said"]
    assert_same(home / "alone", home / "torn")


def test_sigterm_saves_at_once_and_exits_with_143(runs):
    home, results = runs
    told, resumed = results["told"]
    assert told["code"] == 143, told["said"]
    assert f"train resume={home / 'told'}" in told["said"]
    assert resumed["code"] == 0, resumed["said"]
    assert_same(home / "alone", home / "told")


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        [],
        ["callbacks=ema", "callbacks.weight_averaging.decay=.9"],
        ["trainer.val_check_interval=0.5", "trainer.accumulate_grad_batches=2"],
        ["callbacks=early_stopping", "callbacks.early_stopping.patience=1", "trainer.max_epochs=6"],
        ["trainer.max_steps=20", "dataset.augment.shift_bp=3", "dataset.augment.reverse_complement=true"],
        ["dataset.workers=1", "trainer.max_epochs=2"],
    ],
    ids=["plain", "ema", "half epochs", "early stopping", "max_steps", "workers"],
)
def test_twenty_of_twenty_kills_leave_no_trace(tmp_path, more):
    table = noisy_table(tmp_path / "t.csv")
    draw = random.Random(0)
    shares = [0.0, 1.0, *(draw.random() for _ in range(18))]
    jobs = [{"words": words(table, tmp_path / name, *more)} for name in ("warm", "alone")]
    for number, share in enumerate(shares):
        folder = tmp_path / str(number)
        jobs += [{"words": words(table, folder, *more), "kill_at": share}, {"words": ["train", f"resume={folder}"]}]
    results = do(jobs, tmp_path / "cache")[2:]
    assert [one["code"] for one in results] == [-signal.SIGKILL, 0] * len(shares)
    for number in range(len(shares)):
        assert_same(tmp_path / "alone", tmp_path / str(number))


def test_a_second_process_on_a_run_folder_is_refused(tmp_path):
    composed = compose("train", ["dataset=motifs", f"hydra.run.dir={tmp_path / 'out'}"])
    with (
        run_folder(composed.folder("train"), composed.text),
        pytest.raises(UserError, match="another run is writing there"),
        run_folder(tmp_path / "out", composed.text, resumed=True),
    ):
        pass


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_weights(tmp_path, capsys):
    table = write_table(tmp_path / "t.csv")
    rate = ["optimizer=sgd", "optimizer.lr=1e30", "dataset.batch_size=4", "callbacks.checkpoint.every_n_steps=1"]
    assert train(tmp_path / "out", "dataset=table", f"dataset.train={table}", *rate) == 3
    said = capsys.readouterr().err
    assert "the loss is nan at epoch 0, batch" in said or "weights are no longer numbers after epoch 0, batch" in said
    assert (tmp_path / "out" / "error.txt").read_text().startswith("Diverged")
    for path in (tmp_path / "out" / "checkpoints").glob("*.ckpt"):
        weights = torch.load(path, weights_only=True)["state_dict"]
        assert all(torch.isfinite(one).all() for one in weights.values())


def test_a_full_disk_ends_the_run_in_one_line_and_keeps_the_checkpoint_before(tmp_path, capsys, monkeypatch):
    table, folder = write_table(tmp_path / "t.csv"), tmp_path / "out"
    real = torch.save

    def full(checkpoint, file):
        if checkpoint["global_step"] > 5:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        real(checkpoint, file)

    monkeypatch.setattr(torch, "save", full)
    often = ("dataset.batch_size=8", "callbacks.checkpoint.every_n_steps=1")
    assert train(folder, "dataset=table", f"dataset.train={table}", *often) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 5
    monkeypatch.undo()
    assert run("train", f"resume={folder}") == 0
