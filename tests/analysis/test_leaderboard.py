"""Records become rows: seeds are pooled, everything else is kept apart, and nothing is ranked that is no peer."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genolightning.analysis import comparisons as compare
from genolightning.analysis import leaderboard, run_table
from genolightning.benchmarks import published_scores
from genolightning.benchmarks.published_scores import published
from genolightning.errors import BadTable
from genolightning.paths import conf_dir
from genolightning.runs.predictions import Predictions, write_predictions
from genolightning.runs.record import RunRecord
from genolightning.statistics.evaluate import evaluate

TARGET = np.arange(60) % 2
CONFIG = {
    "optimizer": {"lr": 0.001},
    "model": {"backbone": {"dim": 8}},
    "trainer": {"accelerator": "cpu", "max_epochs": 10, "devices": "1"},
    "dataset": {"batch_size": 64, "workers": 0, "train": "a.csv", "seed": 1},
    "logger": {"csv": {"_target_": "x"}},
}


def guesses(seed: int) -> np.ndarray:
    return np.clip(0.5 + 0.2 * (TARGET - 0.5) + np.random.default_rng(seed).normal(0, 0.2, len(TARGET)), 0, 1)


def write_run(folder: Path, seed: int = 1, *, p: np.ndarray | None = None, index: int = 0, **other: Any) -> Path:
    """A finished run of a binary dataset; keys with dots change its config, others its record."""
    p = guesses(seed) if p is None else p
    config = json.loads(json.dumps(CONFIG))
    for key in [key for key in other if "." in key]:
        *path, last = key.split(".")
        node = config
        for name in path:
            node = node.setdefault(name, {})
        node[last] = other.pop(key)
    record = {
        "schema": 1,
        "verb": "train",
        "dataset": "toy",
        "split": "original",
        "protocol": "epoch chosen on validation loss",
        "verdict": {"verdict": "clean", "reasons": []},
        "model": "convnet",
        "seed": seed,
        "score_name": "auroc",
        "metrics": {name: one._asdict() for name, one in evaluate("binary", TARGET, p).items()},
        "facts": {"kind": "binary", "classes": ["no", "yes"], "resolution_bp": None},
        "config": config | {"seed": seed},
        "data_sha256": {"test": {"t.csv": "abc"}},
    }
    folder.mkdir(parents=True)
    rows = Predictions(np.arange(len(p)) + index, np.arange(len(p)).astype(str), TARGET, p)
    write_predictions(folder / "predictions.parquet", [rows], "binary", ["no", "yes"])
    RunRecord.from_json(record | other).write(folder)
    times = len(list(folder.parent.glob("*")))
    os.utime(folder / "record.json", (times, times))  # in the order they were written
    return folder


def groups_of(root: Path) -> list[run_table.Group]:
    return run_table.grouped(run_table.finished(root)[0])[0]


def names_of(root: Path) -> list[str]:
    return run_table.details(groups_of(root), lambda record: None)


def rows_of(root: Path) -> list[leaderboard.Row]:
    groups = groups_of(root)
    names = run_table.details(groups, lambda record: None)
    return [
        row for group, name in zip(groups, names, strict=True) for row in leaderboard.own_rows(group, name, ["mcc"])
    ]


def test_seeds_of_one_config_are_one_row_with_mean_and_sd(tmp_path):
    for seed in (1, 2, 3):
        write_run(tmp_path / str(seed), seed)
    values = [evaluate("binary", TARGET, guesses(seed))["mcc"].value for seed in (1, 2, 3)]
    (row,) = rows_of(tmp_path)
    assert (row.value, row.sd) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    assert (list(row.seeds), row.runs, row.interval) == ([1, 2, 3], 3, leaderboard.POOLED)
    assert row.low < row.value < row.high


def test_seeds_that_predict_the_same_have_the_interval_of_one_of_them(tmp_path):
    p = guesses(1).astype(np.float32)  # as parquet keeps it
    for seed in (1, 2):
        write_run(tmp_path / str(seed), seed, p=p)
    one = evaluate("binary", TARGET, p)["mcc"]
    (row,) = rows_of(tmp_path)
    assert (row.value, row.low, row.high) == pytest.approx((one.value, one.low, one.high))
    assert row.sd == 0


def test_a_pooled_interval_is_worked_out_once(tmp_path, monkeypatch):
    for seed in (1, 2):
        write_run(tmp_path / str(seed), seed)
    first = rows_of(tmp_path)
    monkeypatch.setattr(compare, "replicates", None)
    assert rows_of(tmp_path) == first


def test_one_run_keeps_its_own_interval_and_has_no_sd(tmp_path):
    write_run(tmp_path / "a", 4)
    (row,) = rows_of(tmp_path)
    known = evaluate("binary", TARGET, guesses(4))["mcc"]
    assert (row.value, row.low, row.high, row.sd, row.unit) == (known.value, known.low, known.high, None, "row")


def test_runs_of_other_test_rows_are_not_drawn_together(tmp_path):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, index=5)
    (row,) = rows_of(tmp_path)
    lows = [evaluate("binary", TARGET, guesses(seed))["mcc"].low for seed in (1, 2)]
    assert (row.low, row.interval) == (pytest.approx(np.mean(lows)), leaderboard.MEAN)


def test_a_run_without_predictions_lends_its_interval(tmp_path):
    (write_run(tmp_path / "a", 1) / "predictions.parquet").unlink()
    write_run(tmp_path / "b", 2)
    assert rows_of(tmp_path)[0].interval == leaderboard.MEAN


def test_the_same_seed_twice_counts_once_and_a_note_says_so(tmp_path):
    write_run(tmp_path / "a", 1)
    later = write_run(tmp_path / "b", 1, p=guesses(9))
    groups, notes = run_table.grouped(run_table.finished(tmp_path)[0])
    assert [run.folder for run in groups[0].runs] == [later]
    assert notes == ["toy, convnet: seed 1 was run more than once; the latest run counts"]


@pytest.mark.parametrize(
    ("key", "off", "on"),
    [
        ("dataset.augment.substitute", 0.0, 0.1),
        ("dataset.augment.reverse_complement", False, True),
        ("model.backbone.unit_start", False, True),
    ],
)
def test_a_run_made_before_there_was_a_key_is_one_with_it_off(tmp_path, key, off, on):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, **{key: off})
    assert len(groups_of(tmp_path)) == 1
    write_run(tmp_path / "c", 3, **{key: on})
    assert len(groups_of(tmp_path)) == 2


@pytest.mark.parametrize(
    "key", ["trainer.accelerator", "dataset.workers", "logger.csv", "dataset.train", "trainer.log_every_n_steps"]
)
def test_what_changes_no_result_splits_no_group(tmp_path, key):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, **{key: "other"})
    assert len(groups_of(tmp_path)) == 1


@pytest.mark.parametrize(
    "key", ["optimizer.lr", "model.backbone.dim", "trainer.max_epochs", "dataset.batch_size", "trainer.devices"]
)
def test_what_changes_results_tells_groups_apart_and_is_named(tmp_path, key):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, **{key: 2})
    assert f"{key}=2" in names_of(tmp_path)


def test_the_optimizer_that_the_model_was_given_is_the_one_that_counts(tmp_path):
    write_run(tmp_path / "a", 1, **{"model.optimizer": {"lr": 0.5}})
    assert groups_of(tmp_path)[0].settings["optimizer.lr"] == 0.5
    assert "model.optimizer.lr" not in groups_of(tmp_path)[0].settings


@pytest.mark.parametrize(
    "other",
    [{"protocol": "last epoch"}, {"split": "clean-1"}, {"dataset": "tox"}, {"data_sha256": {"test": {"t.csv": "abd"}}}],
)
def test_protocols_splits_and_data_are_never_pooled(tmp_path, other):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, **other)
    assert [row.runs for row in rows_of(tmp_path)] == [1, 1]


def test_rows_of_other_data_can_be_told_apart(tmp_path):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, data_sha256={"test": {"t.csv": "abd"}})
    first, second = names_of(tmp_path)
    assert first != second
    assert "data " in first


def test_a_test_split_drawn_by_the_seed_pools_nothing_and_a_note_says_how_it_would(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path / str(seed), seed, split=f"random, seed {seed}")
    groups, notes = run_table.grouped(run_table.finished(tmp_path)[0])
    assert len(groups) == 2
    assert "dataset.seed=1" in notes[0]


def test_a_broken_record_is_named_and_skipped(tmp_path):
    write_run(tmp_path / "good", 1)
    for name, content in (("half", '{"schema": 1, "da'), ("other", '{"schema": 99}'), ("bare", '{"schema": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(content)
    records, skipped = run_table.finished(tmp_path)
    assert len(records) == 1
    assert all(any(f"{name}/record.json" in line for line in skipped) for name in ("half", "other", "bare"))


def test_a_run_scored_a_second_time_is_no_second_run(tmp_path):
    write_run(tmp_path / "a", 1)
    write_run(tmp_path / "b", 2, verb="test")
    assert [row.runs for row in rows_of(tmp_path)] == [1]


def test_an_older_record_tells_its_protocol_by_what_was_watched(tmp_path):
    folder = write_run(tmp_path / "a", 1, protocol=None)
    (folder / "status.json").write_text('{"score_name": "val/auroc"}')
    assert groups_of(tmp_path)[0].protocol == "epoch chosen on validation auroc"


def test_a_score_that_does_not_exist_comes_last_and_has_no_rank(tmp_path):
    write_run(tmp_path / "a", 1)
    none = {"mcc": {"value": None, "low": None, "high": None, "unit": "row"}}
    write_run(tmp_path / "b", 1, metrics=none, model="cnn")
    (section,) = [made.rows for made in leaderboard.make_sections(rows_of(tmp_path))]
    assert [(rank, row.model) for rank, row in section] == [(1, "convnet"), (None, "cnn")]


def row(model: str, value: float, protocol: str, **other: Any) -> leaderboard.Row:
    first = {"dataset": "toy", "split": "original", "verdict": None, "metric": "mcc", "higher_is_better": True}
    made = {"model": model, "value": value, "protocol": protocol, "origin": "published", "source": "s"}
    return leaderboard.Row(**(first | made | other))


def test_only_rows_of_one_protocol_are_ranked_and_own_ones_come_first():
    own = {"origin": "own"}
    rows = [
        row("tuned on test", 0.9, "epoch chosen on test"),
        row("who knows", 0.95, "unknown"),
        row("theirs", 0.6, "epoch chosen on validation accuracy"),
        row("ours", 0.5, "epoch chosen on validation loss", **own),
        row("who knows either", 0.1, "unknown"),
    ]
    (section,) = [made.rows for made in leaderboard.make_sections(rows)]
    found = [(rank, one.model) for rank, one in section]
    tail = [(None, "tuned on test"), (None, "who knows"), (None, "who knows either")]
    assert found == [(1, "theirs"), (2, "ours"), *tail]


def test_scores_where_less_is_better_are_ranked_from_below_and_equals_share_a_rank():
    loss: dict[str, Any] = {"metric": "loss", "higher_is_better": False}
    rows = [row(name, value, "last epoch", **loss) for name, value in (("a", 2), ("b", 1), ("c", 1))]
    ranked = leaderboard.make_sections(rows)[0].rows
    assert [(rank, one.model) for rank, one in ranked] == [
        (1, "b"),
        (1, "c"),
        (3, "a"),
    ]


def test_splits_and_scores_stand_in_sections_of_their_own():
    rows = [row("a", 0.5, "last epoch"), row("a", 0.5, "last epoch", split="clean-1"), row("a", 0.5, "x", metric="f1")]
    assert len(leaderboard.make_sections(rows)) == 3


def test_every_published_score_is_of_a_dataset_we_have_and_names_its_protocol_and_source():
    scores = published()
    assert {one.dataset for one in scores} <= {file.stem for file in (conf_dir() / "dataset").glob("*.yaml")}
    assert all(one.protocol and one.source for one in scores)
    assert len({one[:3] for one in scores}) == len(scores)
    assert len({one.dataset for one in scores if one.dataset.startswith("gue_")}) == 28


def test_a_published_score_in_percent_is_refused_by_row(tmp_path):
    head = (Path(published_scores.__file__).with_name("published") / "gue.csv").read_text().splitlines()[0]
    (tmp_path / "x.csv").write_text(f"{head}\ntoy,net,mcc,68.6,,,unknown,somebody,\n")
    with pytest.raises(BadTable, match=r"x.csv, row 1: .* found 68.6"):
        published(tmp_path)
