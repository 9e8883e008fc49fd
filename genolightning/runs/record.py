"""The record of a run: one folder with record.json and the predictions that its scores follow from."""

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.statistics.evaluate import Estimate, evaluate
from genolightning.storage.text_files import atomic_write

SCHEMA = 1
PACKAGES = ("genolightning", "torch", "lightning", "hydra-core", "numpy", "torchmetrics")
HEADLINE = {"binary": "auroc", "multiclass": "mcc", "multilabel": "auroc", "regression": "pearson"}
LANGUAGE_HEADLINE = "bits_per_base"
LOWER_IS_BETTER = ("loss", "mse", "mae", "perplexity", "bits_per_base")


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


def higher_is_better(name: str) -> bool:
    """Whether more of a score is better."""
    return name not in LOWER_IS_BETTER


def about_this_machine() -> dict[str, Any]:
    """Versions, commit, device and peak memory: what a reader needs to know of where a run was made."""
    import torch

    cuda = torch.cuda.is_available()
    versions = {name: metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {
        "versions": versions,
        "git": commit(),
        "device": torch.cuda.get_device_name() if cuda else f"cpu, {torch.get_num_threads()} threads",
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20 if cuda else peak, 1),
    }


def commit() -> dict[str, Any] | None:
    """The commit of the checkout that runs, and whether it was changed; None outside a checkout."""
    here = Path(__file__).resolve().parents[1]
    if not (here.parent / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    words = found.stdout.strip()
    return {"commit": words.removesuffix("-dirty"), "changed": words.endswith("-dirty")}


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write record.json; a score that is not a number becomes null."""
    with atomic_write(folder / "record.json") as draft:
        draft.write_text(json.dumps(_plain(record), indent=2, allow_nan=False) + "\n")


def read_record(folder: Path) -> dict[str, Any]:
    """Read a run's record; UserError where the folder holds none."""
    path = folder / "record.json"
    try:
        record = json.loads(path.read_text())
    except OSError:
        raise UserError(f"{folder}: no record.json there; name the folder of a finished run") from None
    except ValueError as error:
        raise UserError(f"{path}: not a record ({error})") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise UserError(f"{path}: not a record of GenoLightning")
    return record


def collect(root: Path) -> Iterator[dict[str, Any]]:
    """Every finished run below a folder, oldest first, with its folder under `folder`."""
    for path in sorted(root.glob("**/record.json"), key=os.path.getmtime):
        yield read_record(path.parent) | {"folder": str(path.parent)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (np.generic,)):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
