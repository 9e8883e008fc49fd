"""A model in a user's own package: with one YAML in `--config-dir` it is trained, tested, resumed and predicts."""

import json
import os
import sys
from pathlib import Path

import polars as pl
import pytest

import genolightning
from genolightning.errors import UntrustedRun
from tests.helpers.tiny import run, sequences, write_table
from tests.training.test_resume import assert_same, do

BACKBONE = """
from torch import nn

from genolightning.batch import Batch, Features, base_mask, one_hot


class Net(nn.Module):
    stride = 1

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.conv = nn.Conv1d(4, dim, 9, padding="same")
        self.dropout = nn.Dropout(0.2)

    def forward(self, batch: Batch) -> Features:
        values = self.dropout(self.conv(one_hot(batch.codes, self.conv.weight.dtype)).relu().transpose(1, 2))
        return Features(values, base_mask(batch.lengths, batch.codes.shape[1]))
"""
WHOLE = """
from torch import Tensor

from genolightning.batch import Batch
from genolightning.training.module import SequenceModule


class Sharp(SequenceModule):
    def __init__(self, *, sharpness: float, **more) -> None:
        super().__init__(**more)
        self.sharpness = sharpness

    def forward(self, batch: Batch) -> Tensor:
        return self.sharpness * super().forward(batch)
"""
YAML = """# Somebody's network.
_target_: {module}
_partial_: true
backbone: {{_target_: mypackage.model.Net, _partial_: true, dim: 8}}
head: null
optimizer: ${{optimizer}}
scheduler: ${{scheduler}}
strand: average
freeze: null
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a package and its configs, on the Python path, as a user has it; one finished run of each model."""
    home = tmp_path_factory.mktemp("home")
    (home / "mypackage").mkdir()
    (home / "mypackage" / "__init__.py").touch()
    (home / "mypackage" / "model.py").write_text(BACKBONE)
    (home / "mypackage" / "whole.py").write_text(WHOLE)
    (home / "configs" / "model").mkdir(parents=True)
    (home / "configs" / "model" / "net.yaml").write_text(
        YAML.format(module="genolightning.training.module.SequenceModule")
    )
    whole = YAML.format(module="mypackage.whole.Sharp") + "sharpness: 2.0\n"
    (home / "configs" / "model" / "sharp.yaml").write_text(whole)
    write_table(home / "mine.csv")
    (home / "new.fa").write_text("".join(f">s{i}\n{one}\n" for i, one in enumerate(sequences(7, seed=3))))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(home))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("GENOLIGHTNING_CACHE", str(home / "cache"))
        for model in ("net", "sharp"):
            assert run(*train(home, model, home / model)) == 0
        yield home
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypackage"]:
        del sys.modules[name]


def train(home: Path, model: str, folder: Path, *more: str) -> list[str]:
    own = ["--config-dir", str(home / "configs"), f"model={model}", f"hydra.run.dir={folder}"]
    often = ["trainer.max_epochs=3", "dataset.batch_size=8", "callbacks.checkpoint.every_n_steps=4"]
    return ["train", *own, "dataset=table", f"dataset.train={home / 'mine.csv'}", "trainer=cpu", *often, *more]


@pytest.mark.parametrize("model", ["net", "sharp"])
def test_it_is_tested_again_with_the_scores_of_its_training(home, model, tmp_path):
    assert (
        run("test", f"run={home / model}", "trust=mypackage", "trainer=cpu", f"hydra.run.dir={tmp_path / 'again'}") == 0
    )
    first, again = (json.loads((folder / "record.json").read_text()) for folder in (home / model, tmp_path / "again"))
    assert again["metrics"] == first["metrics"]
    assert (again["model"], again["trust"]) == (model, "mypackage")


@pytest.mark.parametrize("model", ["net", "sharp"])
def test_it_predicts_on_the_command_line_what_it_predicts_in_a_notebook(home, model, tmp_path):
    out = tmp_path / "new.parquet"
    words = [f"run={home / model}", f"input={home / 'new.fa'}", f"output={out}", "trust=mypackage"]
    assert run("predict", *words) == 0
    in_notebook = genolightning.load_run(home / model, trust="mypackage").predict(sequences(7, seed=3))
    assert pl.read_parquet(out)["p_1"].to_list() == pytest.approx(in_notebook.tolist(), abs=1e-6)


@pytest.mark.parametrize("model", ["net", "sharp"])
def test_killed_and_gone_on_with_it_ends_as_if_left_alone(home, model, tmp_path):
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    told = do(
        [
            {"words": train(home, model, alone)},
            {"words": train(home, model, killed), "kill_at": 0.5},
            {"words": ["train", f"resume={killed}"]},
            {"words": ["train", f"resume={killed}", "trust=mypackage"]},
        ],
        home / "cache",
    )
    assert [job["code"] for job in told] == [0, -9, 2, 0], told
    assert "add trust=mypackage" in told[2]["said"]
    assert "going on from" in told[3]["said"]
    assert_same(alone, killed)


@pytest.mark.parametrize("model", ["net", "sharp"])
@pytest.mark.parametrize("verb", ["test", "predict"])
def test_without_trust_one_line_says_what_to_type(home, model, verb, tmp_path, capsys):
    more = [f"input={home / 'new.fa'}", f"output={tmp_path / 'new.parquet'}"] if verb == "predict" else []
    capsys.readouterr()
    assert run(verb, f"run={home / model}", *more) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("if you trust the package it is from, add trust=mypackage")
    with pytest.raises(UntrustedRun, match="trust=mypackage"):
        genolightning.load_run(home / model)


def test_it_stands_in_the_list_of_models(home, capsys):
    capsys.readouterr()
    assert run("models", "--config-dir", home / "configs", "--model", "net", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    net = 8 * 4 * 9 + 8
    assert row["parameters"] == net + 8 + 1
    assert row["flops_per_base"] == pytest.approx(2 * 2 * 8 * 4 * 9, rel=0.01), "both strands"
    assert row["about"] == "Somebody's network."


def test_a_package_that_is_not_on_the_python_path_is_named(home, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    text = YAML.format(module="genolightning.training.module.SequenceModule").replace("mypackage", "theirpackage")
    (tmp_path / "model" / "lost.yaml").write_text(text)
    words = [f"dataset.train={home / 'mine.csv'}", f"hydra.run.dir={tmp_path / 'out'}", "trainer=cpu"]
    capsys.readouterr()
    assert run("train", "--config-dir", tmp_path, "model=lost", "dataset=table", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "theirpackage" in line


def test_trust_in_a_package_that_is_not_on_the_python_path_says_so(home, tmp_path, capsys):
    config = (home / "net" / ".hydra" / "config.yaml").read_text()
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text(config.replace("mypackage", "theirpackage"))
    capsys.readouterr()
    assert run("test", f"run={tmp_path}", "trust=theirpackage") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "No module named 'theirpackage'" in line
    assert "PYTHONPATH" in line
