"""Datasets, models, audits and sweeps from Python, with what the command line prints."""

import json

import pytest

import genolightning
from genolightning.api_tables import audit, datasets, sweep
from genolightning.commands.datasets import main
from genolightning.config.help import choices
from genolightning.errors import UserError
from tests.helpers.tiny import write_table


def test_datasets_are_a_row_each_as_the_command_lists_them(capsys):
    assert main(["list", "--json"]) == 0
    assert datasets().to_dicts() == json.loads(capsys.readouterr().out)
    assert datasets()["name"].to_list() == list(choices("dataset"))


def test_an_audit_takes_tables_and_finds_rows_that_stand_in_both(tmp_path):
    train, test = (write_table(tmp_path / f"{name}.csv", 60, seed=1) for name in ("train", "test"))
    result = audit({"train": train, "test": test}, near_duplicates=False)
    assert (result.verdict, result.test_exact) == ("leaky", 1.0)
    with pytest.raises(UserError, match="no split 'dev'"):
        audit({"dev": train})


def test_a_sweep_returns_its_trials(monkeypatch):
    def fake(self, trial, keep_running=lambda: True, *, every_s=2.0) -> int:
        (trial.folder / "output.txt").write_text("genolightning: refused\n")
        return 2

    monkeypatch.setattr("genolightning.sweeps.workers.Worker.run", fake)
    frame = sweep("seeds", "dataset=motifs", "seed=1,2")
    assert frame["state"].to_list() == ["failed", "failed"]
    assert frame["overrides"].to_list() == [["dataset=motifs", "seed=1"], ["dataset=motifs", "seed=2"]]


def test_the_package_lists_its_functions_and_imports_them_when_used():
    assert {"audit", "compare", "datasets", "leaderboard", "load_run", "sweep"} <= set(dir(genolightning))
    assert genolightning.datasets is datasets


def test_models_are_listed_by_the_package_and_by_the_function():
    from genolightning.models.cnn import CNN

    rows = genolightning.models(pattern="cnn")
    assert rows.select("model", "parameters", "length_bp").rows() == [("cnn", 67089, 251)]
    assert genolightning.models.cnn.CNN is CNN
    assert genolightning.list_models(pattern="cnn").equals(rows)


def test_a_pattern_that_fits_no_model_names_them():
    with pytest.raises(UserError, match="fits no model; choose from .*convnet"):
        genolightning.models(pattern="nothing*")
