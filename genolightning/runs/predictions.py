"""The predictions of a split: the file they are written to, and the scores that follow from them."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.facts import Facts, target_kind
from genolightning.statistics.counts import Counts, evaluate_counts, few_blocks, genome_blocks
from genolightning.statistics.estimate import Estimate
from genolightning.statistics.evaluate import evaluate
from genolightning.statistics.scored_items import labelled_items
from genolightning.storage.atomic import atomic_write

if TYPE_CHECKING:
    import polars as pl

    from genolightning.runs.prediction_store import StoredPredictions

EXACT_PLACES = 2_000_000  # bases or bins of a split up to which every one is kept for scoring


class Predictions(NamedTuple):
    """Rows of a split, in table order: all of them, or one block."""

    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here  # (rows,) row of the split's table
    ids: NDArray[Any]  # str (rows,)
    target: NDArray[Any] | None  # as Batch.target; None where there are no labels
    values: NDArray[Any]  # what the task predicts: (rows, ...), see `prediction_columns`
    places: NDArray[np.int64] | None = None  # (rows,) bases or bins of each row, where a row has several


def prediction_columns(predictions: Predictions, kind: str, classes: list[str]) -> dict[str, NDArray[Any]]:
    """Name the predicted columns, (rows,) or (rows, places) each: `p_<class>` for every class or label, `prediction`
    for regression, or a language model's `nats`, the summed -log p of the `target` bases that were predicted.
    """
    values, target = predictions.values, target_kind(kind)
    names = target.prediction_columns(classes)
    if not target.class_targets:
        return {names[0]: values}
    if target.single_output:
        return {names[0]: 1 - values, names[1]: values}
    return {name: values[..., number] for number, name in enumerate(names)}


def prediction_frame(predictions: Predictions, kind: str, classes: list[str]) -> "pl.DataFrame":
    """A data frame of predictions, one row each: index, id, target, predicted columns.

    Rows with several places have lists, of probabilities or values in half precision.
    """
    import polars as pl

    data: dict[str, Any] = {"index": predictions.index, "id": predictions.ids}
    if predictions.target is not None:
        data["target"] = _column(predictions.target, predictions.places, None)
    for name, values in prediction_columns(predictions, kind, classes).items():
        data[name] = _column(values, predictions.places, "float16")
    return pl.DataFrame(data)


def write_predictions(path: Path, blocks: Iterable[Predictions], kind: str, classes: list[str]) -> None:
    """Write blocks of predictions one after the other to parquet or csv, by the name's ending.

    Memory holds one block. A csv cell with several places joins them with semicolons.
    """
    write_frames(path, (prediction_frame(block, kind, classes) for block in blocks))


def write_frames(path: Path, frames: "Iterable[pl.DataFrame]") -> None:
    """Write tables of the same columns one after the other to parquet or csv, by the name's ending."""
    with atomic_write(path) as draft:
        if path.suffix == ".csv":
            _write_csv(draft, frames)
        else:
            _write_parquet(draft, frames)


def _write_csv(path: Path, frames: "Iterable[pl.DataFrame]") -> None:
    import polars as pl

    with open(path, "wb") as file:
        for number, frame in enumerate(frames):
            lists = [name for name, type_ in frame.schema.items() if type_ == pl.List]
            joined = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(";") for name in lists)
            joined.write_csv(file, include_header=number == 0)


def _write_parquet(path: Path, frames: "Iterable[pl.DataFrame]") -> None:
    """Write a single block at once; several first as files of their own, since parquet cannot be appended to."""
    import polars as pl

    with tempfile.TemporaryDirectory(prefix=".parts-", dir=path.parent) as folder:
        parts: list[Path] = []
        rows = 1
        for frame in frames:
            rows = max(rows, len(frame))
            parts.append(Path(folder) / f"{len(parts):06}.parquet")
            frame.write_parquet(parts[-1])
        if len(parts) == 1:
            parts[0].replace(path)
        else:
            pl.scan_parquet(parts).sink_parquet(path, maintain_order=True, row_group_size=rows)


def _column(values: NDArray[Any], places: NDArray[np.int64] | None, half: str | None) -> Any:
    import polars as pl

    if values.ndim == 1:
        return values
    if places is None:
        return pl.Series([row.tolist() for row in values], dtype=pl.List(pl.Int64 if half is None else pl.Float32))
    values = values.astype(half) if half and values.dtype.kind == "f" else values
    lists = [row[:count] for row, count in zip(values, places, strict=True)]
    if values.ndim == 2:
        inner = pl.Float16 if values.dtype == np.float16 else (pl.Float32 if values.dtype.kind == "f" else pl.Int64)
        return pl.Series([row.tolist() for row in lists], dtype=pl.List(inner))
    return pl.Series([row.tolist() for row in lists])


class Scores(NamedTuple):
    """The scores of a split by name, and notes on how their intervals were computed."""

    metrics: dict[str, Estimate]
    warnings: list[str]


def score(predictions: "StoredPredictions", facts: Facts, *, threshold: float | None = None, seed: int = 0) -> Scores:
    """Score a split in float64, from values as they are written (half precision where a row has several places).

    Every row, base or bin is scored exactly, except in splits with more than 2,000,000 bases or bins, which are scored
    from counts per block of 10,000 bases or more: then intervals resample blocks of neighbouring rows, AUROC and AUPRC
    are binned, and Spearman's correlation is left out.
    """
    places = predictions.places
    if places is not None and int(places.sum()) > EXACT_PLACES:
        return _score_counts(predictions, facts, seed)
    target, values = scored_arrays(predictions.read())
    metrics = evaluate(facts.kind, target, values, classes=facts.classes, threshold=threshold, seed=seed)
    return Scores(metrics, [])


def _score_counts(predictions: "StoredPredictions", facts: Facts, seed: int) -> Scores:
    kind, block_of_row = facts.target_kind, genome_blocks(predictions.lengths)
    counts = Counts.zeros(kind, len(facts.classes), int(block_of_row.max()) + 1)
    start = 0
    for block in predictions.blocks():
        items = labelled_items(facts.kind, *scored_arrays(block))
        counts.add(items, block_of_row[start + items.row], center=facts.target_mean)
        start += len(block.index)
    warning = few_blocks(counts)
    return Scores(evaluate_counts(kind, counts, seed=seed), [warning] if warning else [])


def scored_arrays(predictions: Predictions) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets and values of predictions as they are scored: padding has no label, and values of several places are
    rounded to half precision, then float64. Shapes as in `predictions`, (rows, ...).
    """
    values, target = predictions.values, predictions.target
    assert target is not None
    if predictions.places is None:
        return target, values
    no_label = np.nan if target.dtype.kind == "f" else -100
    real = np.arange(target.shape[1]) < predictions.places[:, None]
    target = np.where(real.reshape(real.shape + (1,) * (target.ndim - 2)), target, no_label)
    return target, values.astype(np.float16).astype(np.float64)
