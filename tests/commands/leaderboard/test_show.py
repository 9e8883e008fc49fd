"""`leaderboard`: own runs next to baselines and published scores, for a person, a spreadsheet, a page or a program."""

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.config import compose
from genolightning.report.leaderboard_text import MODEL_WIDTH, clipped
from tests.analysis.test_leaderboard import guesses, write_run
from tests.helpers.tiny import run, write_table

DATASET = """_target_: genolightning.data.datamodule.TableDataModule
name: toy
train: {folder}/train.csv
test: {folder}/test.csv
kind: binary
classes: ["0", "1"]
seed: ${{seed}}
"""


@cache
def shipped(*words: str) -> dict[str, Any]:
    return dict(OmegaConf.to_container(compose.compose("train", words).cfg, resolve=True))


def write(logs: Path, name: str, seed: int = 1, words: tuple[str, ...] = (), **other: Any) -> None:
    """A finished run whose config is what `train` would have composed of the words."""
    config = shipped("model=convnet", "dataset=gue_mouse_0", *words)
    write_run(logs / name, seed, **({"dataset": "gue_mouse_0", "config": config} | other))


def rows(capsys, *words: object) -> list[dict[str, Any]]:
    assert run("leaderboard", "--json", *words) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def logs(tmp_path) -> Path:
    """Where the verb looks when it is told nothing."""
    return tmp_path / "logs"


def test_five_seeds_are_one_row_beside_the_published_scores(logs, capsys):
    for seed in range(1, 6):
        write(logs, str(seed), seed)
    assert run("leaderboard", "--score", "mcc") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "gue_mouse_0, mcc, split original" in lines
    (own,) = [line for line in lines if "convnet" in line]
    assert "1-5" in own
    assert "clean" in own
    assert "validation loss" in own
    assert any("DNABERT-2 " in line and "0.568" in line and "unknown" in line for line in lines)
    assert max(map(len, lines)) < 130


def test_without_a_score_the_runs_own_and_the_published_one_are_shown(logs, capsys):
    write(logs, "a")
    found = rows(capsys)
    assert {row["metric"] for row in found} == {"auroc", "mcc"}
    assert {row["metric"] for row in found if row["origin"] == "published"} == {"mcc"}


def test_a_run_as_shipped_has_a_bare_name_and_another_says_what_differs(logs, capsys):
    write(logs, "a", words=("trainer=cpu", "trainer.devices=[0]", "dataset.workers=2"))
    write(logs, "b", words=("optimizer.lr=0.1", "trainer=debug"))
    found = {row["detail"] for row in rows(capsys, "--score", "mcc") if row["origin"] == "own"}
    assert found == {"", "trainer=debug optimizer.lr=0.1"}


def test_an_experiment_is_named_by_its_word(logs, capsys):
    words = ("experiment=gb_cnn_2023",) if "gb_cnn_2023" in experiments() else ("experiment=smoke",)
    write(logs, "a", words=words)
    details = {row["detail"] for row in rows(capsys, "--score", "mcc") if row["origin"] == "own"}
    assert details <= {words[0], ""}


def experiments() -> list[str]:
    from genolightning.paths import conf_dir

    return [file.stem for file in (conf_dir() / "experiment").glob("*.yaml")]


def test_csv_has_a_row_for_each_score_and_lists_are_words(logs, capsys):
    for seed in (1, 2):
        write(logs, str(seed), seed)
    assert run("leaderboard", "--format", "csv", "--score", "auroc") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["dataset"], row["model"], row["seeds"], row["runs"]) == ("gue_mouse_0", "convnet", "1 2", "2")
    assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_a_page_names_where_a_model_loses_and_how_it_was_made(logs, tmp_path):
    write(logs, "a")
    write(logs, "b", dataset="gue_mouse_1", config=shipped("model=convnet", "dataset=gue_mouse_1"))
    page = tmp_path / "page.md"
    assert run("leaderboard", "--format", "md", "--score", "mcc", "--output", page) == 0
    text = page.read_text()
    assert f"genolightning leaderboard --format md --score mcc --output {page}" in text
    assert "convnet is below the best published score on 2 of 2 datasets: gue_mouse_0" in text
    assert "mean of the 2 that all own columns have" in text
    assert "Zhou et al. 2024" in text


def test_a_model_that_was_run_on_fewer_datasets_takes_no_mean_from_the_others(logs, capsys):
    write(logs, "a")
    write(logs, "b", dataset="gue_mouse_1", config=shipped("model=convnet", "dataset=gue_mouse_1"))
    write(logs, "c", dataset="gue_mouse_1", model="cnn", config=shipped("model=cnn", "dataset=gue_mouse_1"))
    assert run("leaderboard", "--format", "md", "--score", "mcc") == 0
    said = capsys.readouterr().out
    (mean,) = [line for line in said.splitlines() if line.startswith("| mean of")]
    cells = [cell.strip() for cell in mean.strip("|").split("|")]
    assert cells[0] == "mean of the 2 that some own columns have"
    assert sorted(map(bool, cells[1:3])) == [False, True]


def test_a_model_that_is_ahead_is_said_to_lose_nowhere(logs, capsys):
    write(logs, "a", metrics={"mcc": {"value": 1.0, "low": 1.0, "high": 1.0, "unit": "row"}})
    assert run("leaderboard", "--format", "md", "--score", "mcc") == 0
    assert "convnet is below the best published score on 0 of 1 datasets\n" in capsys.readouterr().out


def test_a_leaky_split_is_red_in_its_row(logs, capsys, monkeypatch):
    write(logs, "a", verdict={"verdict": "leaky", "reasons": []})
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run("leaderboard", "--score", "auroc") == 0
    assert "\033[1;31mleaky\033[0m" in next(line for line in capsys.readouterr().out.splitlines() if "convnet" in line)


def test_a_broken_record_is_a_warning_and_the_rest_is_shown(logs, capsys):
    write(logs, "a")
    (logs / "half").mkdir()
    (logs / "half" / "record.json").write_text('{"schema"')
    assert run("leaderboard", "--json") == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1
    assert "half/record.json" in err
    assert json.loads(out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "make one: genolightning train"),
        (["--logs", "/nowhere"], "no such folder"),
        (["--dataset", "none_*"], "no finished run"),
        (["--format", "xml"], "invalid choice"),
    ],
)
def test_nothing_to_show_is_one_line_that_says_what_to_type(words, told, capsys):
    assert run("leaderboard", *words) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert told in err


def test_names_and_scores_that_fit_nothing_are_answered_with_those_there_are(logs, capsys):
    write(logs, "a")
    assert run("leaderboard", "--model", "cnn") == 2
    assert "gue_mouse_0 convnet" in capsys.readouterr().err
    assert run("leaderboard", "--score", "auc") == 2
    assert "auroc" in capsys.readouterr().err


def test_published_scores_can_be_read_without_a_run(capsys):
    found = rows(capsys, "--dataset", "gb_human_nontata_promoters")
    assert {row["origin"] for row in found} == {"published"}
    assert {"last epoch", "epoch chosen on test", "epoch chosen on validation accuracy"} <= {
        row["protocol"] for row in found
    }


@pytest.fixture
def toy(tmp_path, logs) -> list[str]:
    """A table in a config of the user's, a run on it, and the words that show both."""
    for seed, name in enumerate(("train", "test")):
        write_table(tmp_path / f"{name}.csv", seed=seed)
    (tmp_path / "mine" / "dataset").mkdir(parents=True)
    (tmp_path / "mine" / "dataset" / "toy.yaml").write_text(DATASET.format(folder=tmp_path))
    table = LabelledTable(name="toy", train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"))
    sums = {split: table.sha256(split) for split in table.splits()}
    write_run(logs / "a", data_sha256=sums, **{"choices.dataset": "toy"})
    return ["--config-dir", str(tmp_path / "mine"), "--baselines"]


def test_the_kmer_baseline_stands_beside_the_runs_and_is_fitted_once(toy, capsys, monkeypatch):
    first = [row for row in rows(capsys, *toy) if row["origin"] == "baseline"]
    assert (first[0]["metric"], first[0]["protocol"]) == ("auroc", "nothing chosen")
    assert first[0]["value"] > 0.8  # class 1 has no C
    assert first[0]["low"] <= first[0]["value"] <= first[0]["high"]
    monkeypatch.setattr("genolightning.config.datasets.benchmark_from_name", None)
    assert [row for row in rows(capsys, *toy) if row["origin"] == "baseline"] == first


def test_a_baseline_is_not_put_beside_runs_of_other_files(toy, tmp_path, capsys):
    write_table(tmp_path / "test.csv", seed=5)
    assert run("leaderboard", "--json", *toy) == 0
    out, err = capsys.readouterr()
    assert "no 6-mer baseline of toy: its files here are not those" in err
    assert {row["origin"] for row in json.loads(out)} == {"own"}


def test_long_names_are_cut_for_the_terminal_alone(logs, capsys):
    write(logs, "a", words=("model.backbone.dim=32", "model.backbone.blocks=2", "model.backbone.dropout=0.5"))
    detail = rows(capsys, "--score", "auroc")[0]["detail"]
    assert "model.backbone.dropout=0.5" in detail
    run("leaderboard", "--score", "auroc")
    assert clipped(f"convnet ({detail})", MODEL_WIDTH) in capsys.readouterr().out


def test_paired_differences_stand_below_the_table_and_nowhere_else(logs, capsys):
    write(logs, "a", 1)
    write(logs, "b", 1, ("optimizer.lr=0.1",), p=guesses(4))
    assert run("leaderboard", "--score", "mcc", "--paired") == 0
    lines = capsys.readouterr().out.splitlines()
    (told,) = [line for line in lines if " less " in line and line.startswith("gue_mouse_0, mcc: convnet")]
    assert "optimizer.lr=0.1" in told
    assert run("leaderboard", "--score", "mcc") == 0
    assert told not in capsys.readouterr().out
    assert run("leaderboard", "--paired", "--json") == 2
    assert "--paired goes with a table" in capsys.readouterr().err


def test_a_file_of_another_command_is_replaced_only_by_force(logs, tmp_path, capsys):
    write(logs, "a")
    page = tmp_path / "page.md"
    page.write_text("# Written by hand\n")
    words = ["--format", "md", "--score", "mcc", "--output", page]
    assert run("leaderboard", *words) == 2
    assert "add --force" in capsys.readouterr().err
    assert run("leaderboard", *words, "--force") == 0
    first = page.read_text()
    assert run("leaderboard", *words, "--force") == 0, "the same command may write its page again"
    assert page.read_text() == first


def test_rehearsals_are_left_out_for_a_person_and_listed_for_a_program(logs, capsys):
    write(logs, "a")
    write(logs, "b", words=("trainer=debug",))
    assert run("leaderboard", "--score", "mcc") == 0
    text = capsys.readouterr().out
    assert "1 runs of trainer=debug are left out" in text
    assert "convnet (trainer=debug)" not in text
    assert len([row for row in rows(capsys, "--score", "mcc") if row["origin"] == "own"]) == 2


def test_one_seed_and_several_are_worded_and_counted(logs, capsys):
    for seed in (1, 2):
        write(logs, f"a{seed}", seed)
    write(logs, "b", 2, ("optimizer.lr=0.1",), p=guesses(4))
    assert run("leaderboard", "--score", "mcc", "--paired") == 0
    text = capsys.readouterr().out
    assert "(seeds 1-2)" in text
    assert "(seed 2)" in text
    assert " n  seeds" in text.splitlines()[0]
