"""From overrides to the run that they name: which folder, which config, and what is refused before anything runs."""

from pathlib import Path

import pytest

from genolightning.config.execute import (
    compose_of_run,
    compose_training,
    predict_tables,
    run_path,
    run_training,
)
from genolightning.errors import UserError


def saved_run(folder: Path) -> Path:
    """A run folder with the config of a training."""
    composed, _ = compose_training(["model=cnn", "dataset=gue_tf_0", "seed=5"])
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(composed.text)
    return folder


def test_a_path_is_taken_as_typed_and_last_is_the_newest_run(tmp_path):
    assert run_path(["seed=1"], "run") is None
    assert run_path(["run=some/dir"], "run") == Path("some/dir")
    with pytest.raises(UserError):
        run_path(["run=last"], "run")
    folder = saved_run(tmp_path / "logs" / "train" / "toy" / "cnn" / "2026-01-01")
    assert run_path(["run=last"], "run") == folder


def test_a_folder_that_is_called_last_is_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("last").mkdir()
    assert run_path(["run=last"], "run") == Path("last")


def test_a_new_run_resumes_nothing_and_a_resumed_one_has_its_saved_config(tmp_path):
    assert compose_training(["model=cnn", "dataset=gue_tf_0"])[1] is None
    folder = saved_run(tmp_path / "run")
    composed, resume = compose_training([f"resume={folder}"])
    assert resume == folder
    assert (composed.config["seed"], composed.config["choices"]["model"]) == (5, "cnn")


def test_a_finished_run_is_not_resumed(tmp_path):
    folder = saved_run(tmp_path / "run")
    (folder / "record.json").write_text("{}")
    before = sorted(folder.iterdir())
    assert run_training([f"resume={folder}"]) == (folder, None)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("verb", ["test", "predict"])
def test_a_run_has_to_be_named(verb):
    with pytest.raises(UserError, match=rf"which run\? add run=DIR; see: genolightning {verb} --help"):
        compose_of_run(verb, [])


def test_a_checkpoint_names_the_run_that_it_lies_in(tmp_path):
    folder = saved_run(tmp_path / "run")
    checkpoint = folder / "checkpoints" / "last.ckpt"
    composed, path = compose_of_run("test", [f"run={checkpoint}"])
    assert path == checkpoint
    assert composed.config["seed"] == 5


def test_rows_that_were_trained_on_are_not_tested(tmp_path):
    folder = saved_run(tmp_path / "run")
    with pytest.raises(UserError, match="rows it has trained on would be tested"):
        compose_of_run("test", [f"run={folder}", "dataset.seed=99"])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [({"batch_size": 0}, r"dataset\.batch_size"), ({"batch_size": 4, "too_long": "cut"}, "wanted error or crop")],
)
def test_a_wrong_setting_is_refused_before_a_trainer_is_built(dataset, message, tmp_path):
    with pytest.raises(UserError, match=message):
        predict_tables(None, "in.fa", tmp_path, config={"dataset": dataset})
