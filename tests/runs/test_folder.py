"""A run folder: made under a lock, never mixed with another run, and known to every process of the run."""

import os

import pytest

from genolightning.errors import UserError
from genolightning.runs import folder as folders


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE", "SLURM_STEP_NUM_TASKS", folders.SHARED):
        monkeypatch.delenv(name, raising=False)


def test_the_config_is_written_and_the_environment_left_as_it_was(tmp_path):
    before = dict(os.environ)
    with folders.run_folder(tmp_path / "run", "seed: 1\n") as folder:
        assert os.environ[folders.SHARED] == str(folder)
        assert (folder / ".hydra" / "config.yaml").read_text() == "seed: 1\n"
    assert dict(os.environ) == before


def test_two_runs_never_write_into_one_folder(tmp_path):
    with (
        folders.run_folder(tmp_path, "seed: 1"),
        pytest.raises(UserError, match="another run is writing"),
        folders.run_folder(tmp_path, "seed: 2"),
    ):
        pass
    assert (tmp_path / ".hydra" / "config.yaml").read_text() == "seed: 1"


@pytest.mark.parametrize(("file", "advice"), [("record.json", "another folder"), ("checkpoints/a.ckpt", "resume=")])
def test_a_folder_that_holds_a_run_is_refused_unless_it_is_resumed(tmp_path, file, advice):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    with pytest.raises(UserError, match=advice), folders.run_folder(tmp_path, ""):
        pass
    with folders.run_folder(tmp_path, "", resumed=True) as folder:
        assert folder == tmp_path


def test_an_error_before_anything_was_written_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), folders.run_folder(tmp_path / "run", ""):
        raise RuntimeError
    assert not (tmp_path / "run").exists()


def test_other_processes_get_the_folder_and_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(folders.SHARED, str(tmp_path / "run"))
    assert folders.new_folder("train", ["motifs", "cnn"], 1) == tmp_path / "run"
    with folders.run_folder(tmp_path / "run", "seed: 1"):
        assert not (tmp_path / "run").exists()


def test_the_newest_run_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path))
    with pytest.raises(UserError, match="no run folder"):
        folders.newest_folder()
    for number, name in enumerate(("b", "c", "a")):
        with folders.run_folder(tmp_path / "train" / "motifs" / "cnn" / name, "") as folder:
            os.utime(folder / ".hydra" / "config.yaml", (number, number))
    assert folders.newest_folder().name == "a"


def test_names_that_are_no_file_names_are_made_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path))
    made = folders.new_folder("train", ["my data/x", "..cnn"], 7)
    assert made.parent == tmp_path / "train" / "my-data-x" / "-cnn"
    assert "-7-" in made.name
