"""Test rows drawn again for several runs at once: intervals of a mean over seeds, and of a difference of models.

Every run is scored on the same draws, so what all models find hard cancels out of a difference (a paired bootstrap,
Efron & Tibshirani 1993; 1,000 draws).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genolightning.facts import target_kind
from genolightning.runs.record import RunRecord
from genolightning.statistics.bootstrap import Array, percentile_interval, replicates
from genolightning.statistics.evaluate import make_scorers
from genolightning.statistics.scored_items import flatten_predictions, resampling_units
from genolightning.storage.atomic import atomic_write
from genolightning.storage.cache import cache_path
from genolightning.storage.checksums import sha256

RULES = 2  # increment when the computation changes: part of the cache key


class Difference(NamedTuple):
    """A score's mean over some runs less that over others, low <= value <= high."""

    value: float
    low: float
    high: float


def seeds_intervals(
    runs: Sequence[RunRecord], tell: Callable[[str], None] | None = None
) -> dict[str, tuple[float, float]]:
    """For each score the 95 % interval of its mean over the seeds: the same test rows are drawn again for every seed.

    The interval covers the choice of test rows; the sd over runs covers the choice of seeds. Empty if the runs'
    predictions are missing, are not of the same rows or have several places a row, or if rows were drawn in clusters.
    `tell` is called with a message for each run that is not in the cache.
    """
    return {
        name: percentile_interval(_mean(runs, name), samples.mean(0)) for name, samples in _shared(runs, tell).items()
    }


def differences(
    runs: Sequence[RunRecord], others: Sequence[RunRecord], tell: Callable[[str], None] | None = None
) -> dict[str, Difference]:
    """For each score its mean over `runs` less its mean over `others`, with the 95 % interval when the same test rows
    are drawn again for all of them. Seeds are not drawn again: their sd is reported with each mean. Empty where
    `seeds_intervals` would be, or if the two were tested on different rows.
    """
    found = {}
    for name, samples in _shared([*runs, *others], tell).items():
        value = _mean(runs, name) - _mean(others, name)
        moved = samples[: len(runs)].mean(0) - samples[len(runs) :].mean(0)
        found[name] = Difference(value, *percentile_interval(value, moved))
    return found


def _predictions(run: RunRecord) -> Path:
    return (run.folder or Path()) / "predictions.parquet"


def _drawable(runs: Sequence[RunRecord]) -> bool:
    clusters = any(one.unit == "cluster" for run in runs for one in run.metrics.values())
    places = any(run.facts.get("resolution_bp") is not None for run in runs)
    return not clusters and not places and all(_predictions(run).is_file() for run in runs)


def _mean(runs: Sequence[RunRecord], name: str) -> float:
    return float(np.mean([run.metrics[name].value for run in runs]))


def _shared(runs: Sequence[RunRecord], tell: Callable[[str], None] | None) -> dict[str, Array]:
    """Each score that all runs have, of every run in every draw: (runs, draws)."""
    if not _drawable(runs):
        return {}
    drawn = [_draws(run, tell) for run in runs]
    if len({str(one["rows"]) for one in drawn}) > 1:
        return {}
    known = [
        name
        for name in drawn[0]
        if all(
            name in one and name in run.metrics and np.isfinite(run.metrics[name].value)
            for one, run in zip(drawn, runs, strict=True)
        )
    ]
    stacked = {name: np.stack([one[name] for one in drawn]) for name in known}
    return {name: values for name, values in stacked.items() if not np.isnan(values.mean(0)).all()}


def _draws(run: RunRecord, tell: Callable[[str], None] | None) -> dict[str, Any]:
    """Each score of a run in every draw of its test rows, (draws,), and as `rows` a checksum of their labels.

    Computed once for the same predictions, then read from the cache. The draws depend only on the number of rows.
    """
    kind, classes, threshold = run.facts["kind"], run.facts["classes"], run.threshold
    kept = cache_path("leaderboard", [RULES, sha256(_predictions(run)), kind, len(classes), threshold], ".npz")
    if not kept.exists():
        if tell:
            tell(f"drawing test rows again: {run.dataset}, {run.model}, seed {run.seed}")
        rows, scores = _resampled(_predictions(run), kind, len(classes), threshold)
        with atomic_write(kept) as draft, open(draft, "wb") as file:
            np.savez(file, rows=np.array(rows), **scores)  # type: ignore[arg-type]
    with np.load(kept) as file:
        return dict(file)


def _resampled(predictions: Path, kind: str, classes: int, threshold: Any) -> tuple[str, dict[str, Array]]:
    """A checksum of the rows and their labels, and each score in every draw: (draws,)."""
    import polars as pl

    frame = pl.read_parquet(predictions)
    labels = frame.select("index", "target")
    target = np.asarray(frame["target"].to_list())
    names = [name for name in frame.columns if name not in ("index", "id", "target")]
    values = frame.select(names[1:] if target_kind(kind).two_classes else names).to_numpy().astype(np.float64)
    items = flatten_predictions(kind, target, values[:, 0] if values.shape[1] == 1 else values)
    units = resampling_units(items, None)
    rows = hashlib.sha256(json.dumps(labels.to_dict(as_series=False)).encode()).hexdigest()
    return rows, replicates(make_scorers(kind, items, units, classes, threshold), units.number)
