"""The predictions of a split: their columns, the file they are written to, and the scores they give."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.facts import Facts
from genolightning.statistics.estimate import Estimate
from genolightning.statistics.evaluate import evaluate
from genolightning.storage.text_files import atomic_write


class Predictions(NamedTuple):
    """A row for every example of a split, in table order."""

    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here  # (rows,) row of the split's table
    ids: NDArray[Any]  # str (rows,)
    target: NDArray[Any] | None  # as Batch.target; None where there are no labels
    values: NDArray[Any]  # what the task predicts: (rows, ...), see `columns`
    places: NDArray[np.int64] | None = None  # (rows,) bases or bins of each row, where a row has several


def columns(predictions: Predictions, kind: str, classes: list[str]) -> dict[str, NDArray[Any]]:
    """The predicted columns by name: `p_<class>` for every class or label, or `prediction`; of a language model `nats`,
    the summed -log p of the `target` bases that a window was asked for.
    """
    values = predictions.values
    if kind == "regression":
        return {"prediction": values}
    if kind.endswith("_lm"):
        return {"nats": values}
    if kind == "binary":
        return {f"p_{classes[0]}": 1 - values, f"p_{classes[1]}": values}
    return {f"p_{name}": values[..., i] for i, name in enumerate(classes)}


def write_predictions(path: Path, predictions: Predictions, kind: str, classes: list[str]) -> None:
    """Write parquet or csv, by the name's ending; rows with several places become lists in half precision."""
    import polars as pl

    data: dict[str, Any] = {"index": predictions.index, "id": predictions.ids}
    if predictions.target is not None:
        data["target"] = _column(predictions.target, predictions.places, None)
    for name, values in columns(predictions, kind, classes).items():
        data[name] = _column(values, predictions.places, "float16")
    frame = pl.DataFrame(data)
    with atomic_write(path) as draft:
        if path.suffix == ".csv":
            flat = frame.with_columns(
                pl.col(name).cast(pl.List(pl.String)).list.join(";") for name, t in frame.schema.items() if t == pl.List
            )
            flat.write_csv(draft)
        else:
            frame.write_parquet(draft)


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
        return pl.Series([one.tolist() for one in lists], dtype=pl.List(inner))
    return pl.Series([one.tolist() for one in lists])


def score(
    predictions: Predictions, facts: Facts, *, threshold: float | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """The test scores, in float64, from the rows as they are written (half precision where they are lists)."""
    values, target = predictions.values, predictions.target
    assert target is not None
    if predictions.places is not None:
        values = values.astype(np.float16).astype(np.float64)
        no_label = np.nan if target.dtype.kind == "f" else -100
        real = np.arange(target.shape[1]) < predictions.places[:, None]
        target = np.where(real.reshape(real.shape + (1,) * (target.ndim - 2)), target, no_label)
    return evaluate(facts.kind, target, values, classes=facts.classes, threshold=threshold, seed=seed)
