"""Run folders made before modules and classes were renamed go on being read, tested, resumed and ranked."""

import json
import shutil
from pathlib import Path

import pytest

import genolightning
from genolightning.commands.leaderboard import main as leaderboard
from genolightning.commands.watch import main as watch
from genolightning.runs.record import RunRecord
from tests.helpers.tiny import run

OLD = Path(__file__).parent / "fixtures" / "runs_before_redesign"


@pytest.fixture
def old(tmp_path) -> Path:
    """Copies of a finished and an unfinished run, with the class paths of their time."""
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    return folder


def values(metrics: dict) -> dict[str, float]:
    return {name: score.value for name, score in metrics.items()}


def test_an_old_run_is_tested_again_with_the_same_scores(old, tmp_path):
    assert run("test", f"run={old / 'finished'}", f"hydra.run.dir={tmp_path / 'again'}") == 0
    again, first = RunRecord.read(tmp_path / "again"), RunRecord.read(OLD / "finished")
    assert values(again.metrics) == pytest.approx(values(first.metrics), abs=1e-6)


def test_an_old_run_predicts(old):
    predicted = genolightning.load_run(old / "finished").predict(["ACGT" * 50, "TTTT" * 50])
    assert predicted.shape == (2,)
    assert ((predicted > 0) & (predicted < 1)).all()


def test_an_old_run_that_was_killed_ends_as_if_it_had_not_been(old):
    assert run("train", f"resume={old / 'unfinished'}") == 0
    ended = RunRecord.read(old / "unfinished")
    undisturbed = json.loads((OLD / "undisturbed_metrics.json").read_text())
    assert values(ended.metrics) == pytest.approx({name: one["value"] for name, one in undisturbed.items()}, abs=1e-5)


def test_old_and_new_runs_of_the_same_settings_share_a_row(old, capsys):
    seed = ["dataset=motifs", "model=convnet", "model.backbone.dim=8", "trainer=cpu", "trainer.max_epochs=2"]
    run("train", *seed, "trainer.limit_train_batches=8", "scheduler=cosine", "callbacks=ema", "seed=2", "dataset.seed=1",  # noqa: E501
        f"hydra.run.dir={old / 'new'}")  # fmt: skip
    capsys.readouterr()
    leaderboard(["--logs", str(old), "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert sorted(row["seeds"] for row in rows if row["seeds"]) == [[1, 2]]


def test_old_runs_are_watched(old, capsys):
    watch([f"logs={old}", "--once", "--json"])
    told = capsys.readouterr().out
    assert "finished" in told and "unfinished" in told  # noqa: PT018
