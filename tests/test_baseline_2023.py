"""The published baseline trains as it was published: the loss, the rows, the last epoch; and its record states it."""

import json
from pathlib import Path

import polars as pl
import pytest
import torch
from torch.nn import functional as F

from genolightning.config import objects as build
from genolightning.config.compose import compose
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts
from genolightning.runs.evaluate import parameter_count
from genolightning.sweeps.grid import grid_trials
from genolightning.sweeps.search_space import read_space
from genolightning.training.tasks import Binary, DoubleSigmoid, Multiclass, for_facts
from tests.helpers.tiny import run, write_table
from tests.training.test_resume import do

PUBLISHED = ["experiment=gb_cnn_2023", "dataset=table", "trainer=cpu"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    """80 + 40 rows of 60 bp in files of their own, and a validation file that nobody should open."""
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "logs"))
    write_table(tmp_path / "train.csv")
    write_table(tmp_path / "test.csv", 40, seed=1)
    write_table(tmp_path / "validation.csv", 10, seed=2)
    return [f"dataset.{split}={tmp_path / split}.csv" for split in ("train", "validation", "test")]


def record(folder: Path) -> dict:
    return json.loads((folder / "record.json").read_text())


def test_the_loss_is_the_cross_entropy_of_a_sigmoid_of_a_sigmoid():
    logits, target = 3 * torch.randn(50, 1, dtype=torch.float64), torch.randint(0, 2, (50,))
    twice = torch.sigmoid(torch.sigmoid(logits.squeeze(-1)))
    expected = -(target * twice.log() + (1 - target) * (1 - twice).log()).mean()
    assert torch.isclose(DoubleSigmoid().loss(logits, target), expected)
    with_unknown = DoubleSigmoid().loss(
        torch.cat([logits, logits]), torch.cat([target, target.new_full((50,), NO_LABEL)])
    )
    assert torch.isclose(with_unknown, expected)


def test_the_loss_of_balanced_classes_has_a_floor():
    certain = DoubleSigmoid().loss(torch.tensor([[-50.0], [50.0]]), torch.tensor([0, 1]))
    assert float(certain) == pytest.approx(0.503, abs=1e-3)


def test_its_probabilities_are_one_sigmoid():
    logits = torch.randn(9, 1)
    assert torch.equal(DoubleSigmoid().probabilities(logits), Binary().probabilities(logits))


def test_a_task_of_ones_own_is_taken_for_its_kind_alone():
    own = {"binary": DoubleSigmoid}
    binary = for_facts(Facts("binary", ["a", "b"], 9, 9), own=own)
    several = for_facts(Facts("multiclass", ["a", "b", "c"], 9, 9), own=own)
    assert isinstance(binary, DoubleSigmoid)
    assert isinstance(several, Multiclass)
    with pytest.raises(UserError, match="task.binry: no such kind; there are binary"):
        for_facts(Facts("binary", ["a", "b"], 9, 9), own={"binry": DoubleSigmoid})


@pytest.mark.parametrize("sigmoids", [2, 1])
def test_it_ends_where_a_plain_loop_over_all_rows_ends(table, tmp_path, sigmoids):
    words = [*PUBLISHED, *table, "trainer.max_epochs=3", "dataset.batch_size=16", "seed=5"]
    assert run("train", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    data, _, _, model = build.build_objects(compose("train", words).config)
    optimizer, loader = torch.optim.Adam(model.parameters()), data.train_dataloader()
    for _ in range(3):
        rows = []
        for batch in loader:
            output = model(batch)[:, 0]
            output = torch.sigmoid(output) if sigmoids == 2 else output
            loss = F.binary_cross_entropy_with_logits(output, batch.target.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rows += batch.index.tolist()
        assert sorted(rows) == list(range(80))
    model.eval()
    with torch.no_grad():
        expected = torch.cat([torch.sigmoid(model(batch)[:, 0]) for batch in data.test_dataloader()])
    tested = pl.read_parquet(tmp_path / "run/predictions.parquet")["p_1"].to_torch()
    same = float((tested - expected).abs().max()) < 1e-3  # Adam makes rounding of the loss visible
    assert same == (sigmoids == 2)


def test_every_training_row_trains_and_the_record_says_so(table, tmp_path):
    words = [*PUBLISHED, *table, "trainer.max_epochs=1"]
    assert run("train", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    found = record(tmp_path / "run")
    assert found["protocol"] == "last epoch, no validation"
    assert found["facts"]["rows"] == {"train": 80, "validation": 0, "test": 40}
    assert found["splits"] == {"train": "original", "validation": "none", "test": "original"}
    assert found["threshold"] is None
    assert "mcc_tuned" not in found["metrics"]
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["last.ckpt"]


def test_it_is_tested_again_and_watched_like_any_run(table, tmp_path, capsys):
    words = [*PUBLISHED, *table, "trainer.max_epochs=2"]
    assert run("train", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert (status["epoch"], status["score"]) == (1, None)
    assert run("test", f"run={tmp_path / 'run'}", "trainer=cpu", f"hydra.run.dir={tmp_path / 'again'}") == 0
    first, again = record(tmp_path / "run"), record(tmp_path / "again")
    assert again["metrics"] == first["metrics"]
    assert again["protocol"] == first["protocol"]
    assert run("watch", f"logs={tmp_path}", "--once") == 0
    assert "2 finished" in capsys.readouterr().out


def test_killed_it_goes_on_to_the_same_weights(table, tmp_path):
    small = ["trainer.max_epochs=3", "dataset.batch_size=8", "callbacks.checkpoint.every_n_steps=4"]
    small.append("trainer.log_every_n_steps=2")
    train = ["train", *PUBLISHED, *table, *small]
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    jobs = [
        {"words": [*train, f"hydra.run.dir={alone}"], "kill_at": None},
        {"words": [*train, f"hydra.run.dir={killed}"], "kill_at": 0.6, "signal": 9},
        {"words": ["train", f"resume={killed}"], "kill_at": None},
    ]
    assert [one["code"] for one in do(jobs, tmp_path / "cache")] == [0, -9, 0]
    weights = [torch.load(one / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for one in (alone, killed)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    for name in ("predictions.parquet", "metrics.csv"):
        assert (alone / name).read_bytes() == (killed / name).read_bytes(), name
    assert "train/loss," in (alone / "metrics.csv").read_text(), "an epoch's mean loss, where nothing validates"


def test_the_honest_experiment_chooses_its_epoch_on_validation(table, tmp_path):
    words = ["experiment=gb_cnn", "dataset=table", table[0], table[2], "trainer=cpu", "trainer.max_epochs=2"]
    assert run("train", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    found = record(tmp_path / "run")
    assert found["protocol"] == "epoch chosen on validation loss"
    assert found["facts"]["rows"] == {"train": 72, "validation": 8, "test": 40}
    assert "mcc_tuned" in found["metrics"]


def test_its_sweep_has_five_seeds():
    trials = grid_trials(read_space("gb_cnn", ["dataset=motifs"]))
    seeds = {override for trial in trials for override in trial.overrides if override.startswith("seed=")}
    assert len(trials) == 5
    assert seeds == {f"seed={number}" for number in range(1, 6)}
    assert all("experiment=gb_cnn" in trial.overrides for trial in trials)


def test_at_251_bp_it_has_the_published_67089_parameters_and_settings(tmp_path):
    write_table(tmp_path / "long.csv", 20, length=251)
    cfg = compose("train", [*PUBLISHED, f"dataset.train={tmp_path / 'long.csv'}"]).config
    made = build.build_objects(cfg)
    optimizer = made.model.optimization.optimizer(made.model.parameters())
    assert parameter_count(made.model) == 67_089
    assert (cfg["trainer"]["max_epochs"], cfg["dataset"]["batch_size"], made.model.optimization.scheduler) == (
        10,
        64,
        None,
    )
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults == torch.optim.Adam(made.model.parameters()).defaults


def test_what_watches_the_validation_needs_one(table, capsys):
    assert run("train", *PUBLISHED, *table, "callbacks=early_stopping") == 2
    assert "dataset.validation_fraction=0 leaves none" in capsys.readouterr().err


def test_a_key_the_model_does_not_know_is_one_line(table, capsys):
    assert run("train", *PUBLISHED, *table, "model=convnet") == 2
    assert "model=convnet: ConvNet.__init__() got an unexpected keyword argument 'beyond_bp'" in capsys.readouterr().err
