"""From Python: the runs that the command line makes, the process left as it was, and objects in place of names."""

import asyncio
import hashlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import polars
import pytest
import torch
from lightning.pytorch.callbacks import Callback

import genolightning
from genolightning.data.datamodule import TableDataModule
from genolightning.errors import Diverged, UserError
from genolightning.models.convnet import ConvNet
from genolightning.training.checkpoints import read_checkpoint
from tests.helpers.tiny import run, sequences, write_table

SMALL = {"model.backbone.dim": 8, "model.backbone.blocks": 1, "trainer.max_epochs": 2}


def weights_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name, weights in sorted(read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"].items()):
        digest.update(name.encode() + weights.numpy().tobytes())
    return digest.hexdigest()


def metrics_of(folder: Path) -> dict:
    return json.loads((folder / "record.json").read_text())["metrics"]


def process_state() -> dict:
    """What a training run could change for the whole process."""
    numpy_state = np.random.get_state()
    return {
        "argv": list(sys.argv),
        "handlers": [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)],
        "torch": torch.get_rng_state().tolist(),
        "numpy": [numpy_state[0], numpy_state[1].tolist(), *numpy_state[2:]],
        "python": random.getstate(),
        "filters": list(warnings.filters),
        "environ": dict(os.environ),
        "levels": [logging.getLogger(name).level for name in ("lightning.pytorch", "lightning.fabric")],
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "folder": Path.cwd(),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("api")
    os.environ["GENOLIGHTNING_CACHE"] = str(path / "cache")
    os.environ["GENOLIGHTNING_LOGS"] = str(path / "logs")
    return path


@pytest.fixture(scope="module")
def table(folder) -> Path:
    return write_table(folder / "mine.csv")


@pytest.fixture(scope="module")
def twice(folder, table) -> list[genolightning.Run]:
    """The same run made twice in this process."""
    return [
        genolightning.train("table", SMALL, model="convnet", trainer="cpu", seed=3, dataset__train=table) for _ in "ab"
    ]


def test_two_calls_in_one_process_are_two_command_lines_bit_for_bit(twice, table, tmp_path):
    words = [f"{key}={value}" for key, value in SMALL.items()]
    command = [sys.executable, "-m", "genolightning", "train", "dataset=table", f"dataset.train={table}", "seed=3"]
    command += ["trainer=cpu", f"hydra.run.dir={tmp_path / 'cli'}", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    folders = [*(made.folder for made in twice), tmp_path / "cli"]
    assert len({weights_sha256(one) for one in folders}) == 1
    assert metrics_of(folders[0]) == metrics_of(folders[1]) == metrics_of(folders[2])


def test_the_process_is_left_as_it_was(table):
    random.seed(5), np.random.seed(6), torch.manual_seed(7)
    before = process_state()
    genolightning.train(
        "table", SMALL, {"trainer.max_epochs": 1}, trainer="deterministic", dataset={"train": str(table)}
    )
    assert process_state() == before


def test_a_mistake_leaves_the_process_as_it_was_and_is_worded_for_python(table):
    before = process_state()
    with pytest.raises(UserError, match="did you mean motifs"):
        genolightning.train("motiffs")
    with pytest.raises(UserError, match="expected a number"):
        genolightning.train("motifs", optimizer__lr="fast")
    with pytest.raises(UserError, match="no such folder"):
        genolightning.load_run("/nowhere/at/all")
    assert process_state() == before


def test_every_way_to_give_a_setting_is_the_same_run(table, folder):
    ways = [
        genolightning.train("table", "trainer.max_epochs=1", "model.backbone.dim=8", dataset__train=table),
        genolightning.train("table", {"trainer": {"max_epochs": 1}, "model.backbone.dim": 8}, dataset__train=table),
        genolightning.train("table", trainer__max_epochs=1, dataset={"train": table}, model={"backbone": {"dim": 8}}),
        genolightning.train({"trainer.max_epochs": 1, "model.backbone.dim": 8}, dataset="table", dataset__train=table),
    ]
    configs = [{**made.config, "trust": None} for made in ways]
    assert configs[0] == configs[1] == configs[2] == configs[3]


def test_a_run_is_its_folder(twice, folder, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(folder / "logs"))
    made, opened = twice[0], genolightning.load_run(twice[0].folder)
    assert opened.folder == made.folder
    assert opened.metrics == made.metrics
    assert opened.metrics["auroc"].low <= opened.metrics["auroc"].value <= opened.metrics["auroc"].high
    assert opened.config["seed"] == opened.record.seed == 3
    assert opened.predictions().columns == ["index", "id", "target", "p_0", "p_1"]
    assert genolightning.load_run("last").folder.parent == made.folder.parent
    assert not opened.module.training


def test_a_run_shows_its_scores_with_intervals(twice):
    text, html = repr(twice[0]), twice[0]._repr_html_()
    score = twice[0].metrics["auroc"]
    for shown in (text, html):
        assert f"{score.value:.4f}" in shown
        assert f"{score.low:.4f} to {score.high:.4f}" in shown
        assert "positive class: 1" in shown
        assert str(twice[0].folder) in shown


def test_sequences_and_files_get_the_same_predictions(twice, tmp_path):
    dna = sequences(5)
    opened = genolightning.load_run(twice[0].folder)
    values = opened.predict(dna)
    (tmp_path / "x.fa").write_text("".join(f">s{i}\n{one}\n" for i, one in enumerate(dna)))
    (tmp_path / "g.fa").write_text(">chr1\n" + "".join(dna) + "\n")
    (tmp_path / "x.bed").write_text("".join(f"chr1\t{60 * i}\t{60 * i + 60}\n" for i in range(5)))
    (tmp_path / "x.csv").write_text("sequence\n" + "\n".join(dna) + "\n")
    tables = [opened.predict(tmp_path / name, genome=tmp_path / "g.fa") for name in ("x.fa", "x.bed", "x.csv")]
    for frame in tables:
        np.testing.assert_allclose(frame["p_1"].to_numpy(), values, atol=1e-6)
        assert frame["predicted"].to_list() == ["1" if value > 0.5 else "0" for value in values]
    assert tables[1].select("chrom", "start", "end", "strand").row(1) == ("chr1", 60, 120, "+")


def test_tiles_of_both_strands_have_their_own_places(twice, tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\n" + sequences(1, 100)[0] + "\n")
    (tmp_path / "x.bed").write_text("chr1\t10\t90\ta\t0\t+\nchr1\t10\t90\tb\t0\t-\nchr1\t5\t30\tc\t0\t-\n")
    frame = genolightning.load_run(twice[0].folder).predict(tmp_path / "x.bed", genome=tmp_path / "g.fa", tile_bp=50)
    assert frame.select("start", "end", "strand").rows() == [
        (10, 60, "+"), (40, 90, "+"), (40, 90, "-"), (10, 60, "-"), (5, 30, "-"),
    ]  # fmt: skip


def test_testing_and_resuming_a_run(twice):
    again = twice[0].test("trainer=cpu")
    assert again.record.verb == "test"
    assert again.metrics == twice[0].metrics
    assert twice[0].resume().record == twice[0].record


def test_it_works_in_a_thread_and_inside_a_running_event_loop(table):
    def scores() -> dict:
        return genolightning.train("table", SMALL, trainer="cpu", seed=3, dataset__train=table).metrics

    async def inside() -> dict:
        return scores()

    found: list[dict] = [asyncio.run(inside())]
    thread = threading.Thread(target=lambda: found.append(scores()))
    thread.start()
    thread.join()
    assert len(found) == 2
    assert found[0] == found[1]


class Interrupts(Callback):
    """Ctrl-C in the second epoch."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt


def test_ctrl_c_is_a_keyboard_interrupt_and_the_run_can_be_resumed(table, twice):
    before = process_state()
    with pytest.raises(KeyboardInterrupt):
        genolightning.train("table", SMALL, trainer="cpu", seed=3, callbacks=[Interrupts()], dataset__train=table)
    assert process_state() == before
    stopped = genolightning.load_run("last")
    assert "not finished" in repr(stopped)
    assert stopped.resume().metrics == twice[0].metrics


def test_objects_in_place_of_names(table, tmp_path):
    class Counts(Callback):
        epochs = 0

        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            Counts.epochs += 1

    data = TableDataModule(name="mine", train=str(table), batch_size=16)
    made = genolightning.train(
        data, model=ConvNet(dim=8, blocks=1), trainer="cpu", trainer__max_epochs=2, callbacks=[Counts()]
    )
    assert Counts.epochs == 2
    assert (made.record.dataset, made.record.model) == ("mine", "python object")
    assert made.folder.parts[-3:-1] == ("mine", "python-object")
    assert made.config["dataset"]["python_class"] == "genolightning.data.datamodule.TableDataModule"
    assert sum("Python object" in warning for warning in made.record.warnings) == 2
    assert made.predict(sequences(3)).shape == (3,)
    with pytest.raises(UserError, match="pass it again"):
        genolightning.load_run(made.folder).predict(sequences(3))
    opened = genolightning.load_run(made.folder, model=ConvNet(dim=8, blocks=1))
    np.testing.assert_array_equal(opened.predict(sequences(3)), made.predict(sequences(3)))


def test_a_dataset_is_opened_by_its_name(table):
    data = genolightning.load_dataset("table", "test", {"dataset.train": table})
    codes, label = data[0]
    assert (len(data), codes.shape, int(label)) == (16, (60,), 0)
    assert torch.equal(data[-1][0], data[15][0])
    with pytest.raises(IndexError):
        data[16]
    with pytest.raises(UserError, match="wanted train, validation or test"):
        genolightning.load_dataset("table", "tset")


def test_the_package_lists_its_names_without_importing_torch():
    script = "import sys, genolightning; print(dir(genolightning)); assert not {'torch', 'hydra'} & set(sys.modules)"
    listed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"train", "load_run", "load_dataset", "Run"} <= set(eval(listed))
    for name in genolightning.__all__:
        assert getattr(genolightning, name) is not None


def test_what_is_not_a_sequence_is_refused(twice):
    with pytest.raises(UserError, match="a list of sequences or a path"):
        twice[0].predict("ACGTACGT")
    with pytest.raises(UserError, match="looked for .* and "):
        twice[0].predict("nowhere.fa")
    assert issubclass(Diverged, UserError)
    assert isinstance(twice[0].predictions(), polars.DataFrame)
    assert run("train", f"resume={twice[0].folder}") == 0
