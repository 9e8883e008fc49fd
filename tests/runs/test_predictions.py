"""What a split's predictions look like on disk, and the scores that follow from them."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.runs import predictions as module
from genolightning.runs.prediction_store import StoredPredictions
from genolightning.runs.predictions import (
    Predictions,
    prediction_columns,
    prediction_frame,
    score,
    scored_arrays,
    write_predictions,
)
from genolightning.statistics.evaluate import evaluate
from tests.runs.test_prediction_store import batches_of, stored

CLASSES = ["no", "yes", "maybe"]


def rows_of(kind, rows=40, places=None):
    draw = np.random.default_rng(0)
    shape = (rows,) if places is None else (rows, places)
    width = {"multiclass": (3,), "multilabel": (3,)}.get(kind, ())
    values = draw.random((*shape, *width), dtype=np.float32)
    if kind == "multiclass":
        values /= values.sum(-1, keepdims=True)
    target = (
        draw.random(shape) if kind == "regression" else draw.integers(2, size=(*shape, *width[: kind == "multilabel"]))
    )
    counts = None if places is None else draw.integers(1, places + 1, size=rows)
    return Predictions(np.arange(rows), np.arange(rows).astype(str), target, values, counts)


def cut(rows, size):
    return [Predictions(*(None if part is None else part[i : i + size] for part in rows)) for i in range(0, 40, size)]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
@pytest.mark.parametrize("places", [None, 6])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_file_written_by_blocks_is_the_file_written_at_once(tmp_path, kind, places, suffix):
    rows = rows_of(kind, places=places)
    if suffix == "csv":  # of rows without labels
        rows = rows._replace(target=None)
    once, parts = tmp_path / f"once.{suffix}", tmp_path / f"parts.{suffix}"
    write_predictions(once, [rows], kind, CLASSES)
    write_predictions(parts, cut(rows, 7), kind, CLASSES)
    if suffix == "csv":
        assert parts.read_bytes() == once.read_bytes()
    else:
        first, second = pl.read_parquet(once), pl.read_parquet(parts)
        assert first.schema == second.schema == prediction_frame(rows, kind, CLASSES).schema
        assert first.equals(second)
    assert {file.name for file in tmp_path.iterdir()} == {once.name, parts.name}


def test_a_block_that_fails_leaves_no_file(tmp_path):
    def blocks():
        yield rows_of("binary")
        raise OSError("full")

    with pytest.raises(UserError, match=r"p\.parquet cannot be written: full"):
        write_predictions(tmp_path / "p.parquet", blocks(), "binary", CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_columns_are_one_a_class_and_lists_are_cut_to_their_row_in_half_precision(tmp_path):
    rows = rows_of("multiclass", places=6)
    write_predictions(tmp_path / "p.parquet", [rows], "multiclass", CLASSES)
    frame = pl.read_parquet(tmp_path / "p.parquet")
    assert frame.columns == ["index", "id", "target", "p_no", "p_yes", "p_maybe"]
    assert frame["p_yes"].list.len().to_list() == rows.places.tolist()
    assert frame.schema["p_yes"] == pl.List(pl.Float16)
    assert frame["p_yes"][3].to_list() == rows.values[3, : rows.places[3], 1].astype(np.float16).tolist()


def test_two_classes_have_two_columns_that_sum_to_one_and_language_models_have_nats():
    columns = prediction_columns(rows_of("binary"), "binary", ["no", "yes"])
    assert columns["p_no"] + columns["p_yes"] == pytest.approx(1)
    assert list(prediction_columns(rows_of("regression"), "causal_lm", [])) == ["nats"]


def test_padding_has_no_label_and_places_are_scored_in_half_precision():
    rows = rows_of("binary", places=6)
    target, values = scored_arrays(rows)
    assert ((target != -100).sum(1) == rows.places).all()
    assert np.array_equal(values, rows.values.astype(np.float16).astype(float))


def split_on_disk(folder, kind, rows=40, places=50):
    made = rows_of(kind, rows, places)
    parts = stored(folder, batches_of(made.values))
    facts = Facts(
        kind, [] if kind == "regression" else CLASSES[: 2 + (kind != "binary")], places, places, resolution_bp=1
    )
    return StoredPredictions(parts, made.index, made.ids, made.target, made.places, 1), facts, made


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_a_split_of_few_places_is_scored_exactly_from_its_rows(tmp_path, kind):
    predictions, facts, made = split_on_disk(tmp_path, kind)
    metrics, warnings = score(predictions, facts, seed=3)
    assert metrics == evaluate(kind, *scored_arrays(made), classes=facts.classes, seed=3)
    assert warnings == []


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression"])
def test_a_split_of_many_places_is_scored_from_counts(tmp_path, monkeypatch, kind):
    predictions, facts, made = split_on_disk(tmp_path, kind)
    exact = evaluate(kind, *scored_arrays(made), classes=facts.classes)
    monkeypatch.setattr(module, "EXACT_PLACES", 100)
    metrics, (warning,) = score(predictions, facts)
    assert "1 blocks" in warning
    assert set(exact) - set(metrics) == ({"spearman"} if kind == "regression" else set())
    for name, estimate in metrics.items():
        tolerance = 2e-3 if name in ("auroc", "auprc") else 1e-9
        assert estimate.value == pytest.approx(exact[name].value, abs=tolerance), name
        assert estimate.unit == "block"


MEMORY = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from genolightning.runs.predictions import Predictions, write_predictions
shape, ids = (2048, 512), np.arange(2048).astype(str)
draw = np.random.default_rng(0)
blocks = (
    Predictions(ids.astype(int), ids, draw.integers(2, size=shape), draw.random(shape), np.full(2048, 512))
    for _ in range(int(sys.argv[1]))
)
with tempfile.TemporaryDirectory() as folder:
    write_predictions(Path(folder) / "p.parquet", blocks, "binary", ["no", "yes"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_the_memory_of_writing_does_not_grow_with_the_blocks():
    few, many = (int(subprocess.check_output([sys.executable, "-c", MEMORY, count])) for count in ("3", "20"))
    assert many < few + 60  # MB; 17 more blocks hold 18 million numbers
