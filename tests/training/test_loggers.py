"""Loggers: without key or network they write to disk; all receive the same steps, and none receives a step twice."""

import csv
import json
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest

from genolightning.config.compose import compose
from genolightning.config.objects import experiment_of
from tests.helpers.make import noisy_table
from tests.helpers.offline_wandb import Told, read
from tests.helpers.tiny import run, train, write_table
from tests.training.test_resume import do, words

LOUD = ["trainer.log_every_n_steps=1", "dataset.batch_size=16"]


@pytest.fixture(autouse=True)
def no_account(tmp_path, monkeypatch):
    """No key, no settings of the machine's, and nobody answers; what wandb starts is ended."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "GENOLIGHTNING_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "wandb_config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "wandb_cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "wandb_data"))


def rows_of_csv(folder: Path) -> dict[int, dict[str, float]]:
    """step -> what stands in its row."""
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    return {int(row.pop("step")): row for row in rows}


def rows_of_wandb(told: Told) -> dict[int, dict[str, float]]:
    steps = [row["_step"] for row in told.history]
    assert len(steps) == len(set(steps))
    own = ("_step", "_runtime", "_timestamp", "trainer/global_step")
    return {row["_step"]: {key: value for key, value in row.items() if key not in own} for row in told.history}


def rows_of_tensorboard(folder: Path) -> dict[int, dict[str, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tensorboard's own use of NumPy and protobuf
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
        found: dict[int, dict[str, float]] = {}
        for name in events.Tags()["scalars"]:
            points = events.Scalars(name)
            twice = len(points) - len({point.step for point in points})
            assert not twice or name == "epoch"  # which is told with the training's scores and with the validation's
            for point in points:
                if not name.startswith(("test/", "hp_")):
                    found.setdefault(point.step, {})[name] = point.value
    return found


def told_to_wandb(folder: Path) -> Told:
    """The one run that is there, once the process that wandb writes with has ended."""
    import wandb

    wandb.teardown()
    (told,) = read(folder)
    return told


def assert_all_say_the_same(folder: Path) -> Told:
    told = told_to_wandb(folder)
    wanted = rows_of_csv(folder)
    assert wanted
    for rows in (rows_of_wandb(told), rows_of_tensorboard(folder)):
        assert rows.keys() == wanted.keys()
        assert all(rows[step] == pytest.approx(wanted[step], rel=1e-6) for step in wanted)
    return told


def test_every_tracker_is_told_the_same_steps_and_wandb_is_kept_offline(tmp_path, capfd):
    table, folder = write_table(tmp_path / "t.csv"), tmp_path / "out"
    assert train(folder, "dataset=table", f"dataset.train={table}", "logger=all", *LOUD) == 0
    told = assert_all_say_the_same(folder)
    record = json.loads((folder / "record.json").read_text())
    assert told.config["dataset"]["train"] == str(table)
    assert told.summary["test/auroc"] == record["metrics"]["auroc"]["value"]
    assert told.summary["test_scores"]["nrows"] == len(
        [s for s in record["metrics"].values() if s["value"] is not None]
    )
    assert told.group.startswith("table-convnet-")
    assert told.artifacts == ["run_table"]  # the scores; the run folder stays here
    said = capfd.readouterr()
    assert f"wandb sync {folder}/wandb/offline-run-" in said.out
    assert "wandb:" not in said.err


def test_the_run_folder_is_an_artifact_on_request_only(tmp_path):
    table, folder = write_table(tmp_path / "t.csv"), tmp_path / "out"
    asked = ["logger=wandb", "logger.wandb.artifact=true", "logger.wandb.group=mine"]
    assert train(folder, "dataset=table", f"dataset.train={table}", *asked) == 0
    told = told_to_wandb(folder)
    assert sorted(told.artifacts) == ["run", "run_table"]
    assert told.group == "mine"


def test_seeds_are_members_of_one_group_and_other_configs_are_not():
    def group(*given: str) -> str:
        return experiment_of(compose("train", ["dataset=motifs", "model=cnn", *given]).config)

    assert group("seed=1") == group("seed=2") == group("seed=3", "logger=wandb")
    assert group() != group("optimizer.lr=0.5")


def test_a_run_that_goes_on_keeps_its_group_though_its_config_is_resolved_by_then():
    composed = compose("train", ["dataset=motifs", "seed=4"])
    resumed = compose("saved", ["resume=somewhere"], saved=composed.config)
    assert experiment_of(resumed.config) == experiment_of(composed.config)


def test_the_group_of_a_run_is_the_one_it_had_before_classes_were_renamed():
    assert experiment_of(compose("train", ["dataset=motifs", "model=cnn"]).config) == "motifs-cnn-c70fcd"


@pytest.mark.parametrize("kill_at", [0.0, 0.6])
def test_no_tracker_is_told_a_step_twice_by_a_run_that_is_killed_and_goes_on(tmp_path, kill_at):
    table, folder = noisy_table(tmp_path / "t.csv"), tmp_path / "out"
    jobs: list[dict[str, Any]] = [{"words": words(table, tmp_path / "alone", "logger=all")}]
    jobs += [
        {"words": words(table, folder, "logger=all"), "kill_at": kill_at},
        {"words": ["train", f"resume={folder}"]},
    ]
    alone, killed, resumed = do(jobs, tmp_path / "cache")
    assert [alone["code"], killed["code"], resumed["code"]] == [0, -signal.SIGKILL, 0], resumed["said"]
    assert_all_say_the_same(folder)
    assert rows_of_csv(folder) == rows_of_csv(tmp_path / "alone")


def test_a_killed_run_counts_the_seconds_of_all_its_processes(tmp_path):
    table, folder = noisy_table(tmp_path / "t.csv"), tmp_path / "out"
    assert run("train", *words(table, folder, "trainer.max_epochs=1")[1:]) == 0
    first = json.loads((folder / "record.json").read_text())
    (folder / "record.json").unlink()  # as if it had been killed in its last moment
    status = json.loads((folder / "status.json").read_text())
    assert 0 < status["seconds"] <= first["seconds"]
    assert run("train", f"resume={folder}") == 0
    again = json.loads((folder / "record.json").read_text())
    assert again["seconds"] > status["seconds"]
    assert again["cpu_seconds"] > status["cpu_seconds"]


def test_a_scheduler_that_a_killed_run_could_not_go_on_with_is_refused(tmp_path, capsys):
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "plateau.yaml").write_text(
        "_target_: torch.optim.lr_scheduler.ReduceLROnPlateau\n_partial_: true\n"
    )
    assert run("train", "dataset=motifs", "scheduler=plateau", "--config-dir", tmp_path) == 2
    assert "use scheduler=cosine" in capsys.readouterr().err
