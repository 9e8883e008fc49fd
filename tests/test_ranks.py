"""Several processes: the same scores and the same bytes as one, each row once an epoch, and no orphans."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genolightning.data.array_source import ArraySource
from genolightning.data.datamodule import TableDataModule
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.training.checkpoints import latest_checkpoint
from tests.helpers.make import noisy_table
from tests.helpers.tiny import run, train


def ranks(count: int, *words: object, wait: bool = True) -> subprocess.Popen[str]:
    """`genolightning WORDS` in `count` processes on the CPU."""
    more = ["trainer=ddp", "trainer.accelerator=cpu", f"trainer.devices={count}"]
    command = [sys.executable, "-m", "genolightning", *map(str, words), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if wait:
        process.said = process.communicate(timeout=300)[0]  # type: ignore[attr-defined]
    return process


def left(folder: Path) -> tuple[str, dict]:
    """The checksum of a run's predictions, and its scores."""
    digest = hashlib.sha256((folder / "predictions.parquet").read_bytes()).hexdigest()
    return digest, json.loads((folder / "record.json").read_text())["metrics"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of one process, its test split too small for full batches on three processes."""
    folder = tmp_path_factory.mktemp("ranks")
    os.environ["GENOLIGHTNING_CACHE"] = str(folder / "cache")
    table = noisy_table(folder / "t.csv", 103)
    assert train(folder / "out", "dataset=table", f"dataset.train={table}", "dataset.batch_size=8") == 0
    return folder


def test_two_processes_predict_and_score_as_one(trained, tmp_path):
    tested = ranks(2, "test", f"run={trained / 'out'}", f"hydra.run.dir={tmp_path / 'two'}")
    assert tested.returncode == 0, tested.said
    assert left(tmp_path / "two") == left(trained / "out")


@pytest.mark.slow
def test_three_processes_predict_and_score_as_one(trained, tmp_path):
    tested = ranks(3, "test", f"run={trained / 'out'}", f"hydra.run.dir={tmp_path / 'three'}")
    assert tested.returncode == 0, tested.said
    assert left(tmp_path / "three") == left(trained / "out")


@pytest.mark.slow
def test_what_two_processes_train_one_process_tests_to_the_same_bytes(trained, tmp_path):
    words = ["train", "dataset=table", f"dataset.train={trained / 't.csv'}", "model=convnet", "model.backbone.dim=8"]
    words += ["trainer.max_epochs=2", "dataset.batch_size=8", f"hydra.run.dir={tmp_path / 'two'}"]
    made = ranks(2, *words)
    assert made.returncode == 0, made.said
    assert run("test", f"run={tmp_path / 'two'}", "trainer=cpu", f"hydra.run.dir={tmp_path / 'one'}") == 0
    assert left(tmp_path / "two") == left(tmp_path / "one")


def table_of(folder: Path, split: str, rows: int) -> ArraySource:
    data = TableDataModule(name="t", train=str(noisy_table(folder / "t.csv", rows)))
    data.prepare_data()
    return data.source(split)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_each_row_is_trained_on_once_and_counts_as_much_as_any_other(tmp_path, world):
    """The mean over ranks of (a rank's mean loss x its weight) is the mean over the rows of the global batch."""
    rows_of_epoch, means, wanted = [], [], []
    table = table_of(tmp_path, "train", 103)
    loaders = [BatchLoader(table, batch_size=5, shuffle=True, rank=rank, world=world) for rank in range(world)]
    assert len({len(loader) for loader in loaders}) == 1
    for number, parts in enumerate(zip(*loaders, strict=True)):
        losses = [np.sin(part.index.numpy()) for part in parts]  # any number that a row may have
        means.append(np.mean([loss.mean() * loaders[r].weight(number) for r, loss in enumerate(losses)]))
        wanted.append(np.concatenate(losses).mean())
        rows_of_epoch += [row for part in parts for row in part.index.tolist()]
    assert len(set(rows_of_epoch)) == len(rows_of_epoch) == table.rows
    assert np.allclose(means, wanted, atol=1e-12)


def test_more_processes_than_rows_is_an_error(tmp_path):
    table = table_of(tmp_path, "validation", 40)
    with pytest.raises(UserError, match="cannot be shared by 8 processes"):
        BatchLoader(table, batch_size=1, rank=7, world=8)


def long_run(trained: Path, folder: Path) -> subprocess.Popen[str]:
    words = ["train", "dataset=table", f"dataset.train={trained / 't.csv'}", "model=convnet", "model.backbone.dim=8"]
    words += ["trainer.max_epochs=100000", "callbacks.checkpoint.every_n_steps=10", f"hydra.run.dir={folder}"]
    process = ranks(2, *words, wait=False)
    deadline = time.monotonic() + 180
    while not (folder / "checkpoints" / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    return process


def children(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_a_process_that_dies_ends_all_with_a_clear_message_and_leaves_no_orphan(trained, tmp_path):
    process = long_run(trained, tmp_path / "out")
    (other,) = children(process)
    os.kill(other, signal.SIGKILL)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "another process of this run has ended" in said
    assert f"train resume={tmp_path / 'out'}" in said
    assert not is_there(other)


@pytest.mark.slow
def test_sigterm_to_the_first_process_saves_once_and_ends_all(trained, tmp_path):
    process = long_run(trained, tmp_path / "out")
    (other,) = children(process)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 143, said
    deadline = time.monotonic() + 20
    while is_there(other) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_there(other)
    assert latest_checkpoint(tmp_path / "out").name == "last.ckpt"
