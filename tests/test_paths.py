"""Folders come from environment variables first."""

from pathlib import Path

import pytest

from genolightning import paths


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("GENOLIGHTNING_DATA", paths.data_root),
        ("GENOLIGHTNING_CACHE", paths.cache_dir),
        ("GENOLIGHTNING_LOGS", paths.logs_dir),
    ],
)
def test_a_variable_names_its_folder_and_without_one_there_is_a_default(monkeypatch, tmp_path, variable, folder):
    monkeypatch.setenv(variable, str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.setenv(variable, "~/x")
    assert folder() == Path("~/x").expanduser()
    monkeypatch.delenv(variable)
    assert folder().is_absolute()


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_connections_are_forbidden_by_any_value_but_nought(monkeypatch, value, expected):
    monkeypatch.setenv("GENOLIGHTNING_OFFLINE", value)
    assert paths.offline() == expected


def test_a_users_path_is_relative_to_the_current_folder_before_the_data_root(monkeypatch, tmp_path):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.fa").touch()
    assert paths.in_data_root("here.fa") == tmp_path / "here.fa"
    assert paths.in_data_root("there.fa") == tmp_path / "data" / "there.fa"
    assert paths.in_data_root("/absolute.fa") == Path("/absolute.fa")


def test_configs_and_sweeps_are_shipped():
    assert (paths.conf_dir() / "dataset").is_dir()
    assert list(paths.sweeps_dir().glob("*.yaml"))
