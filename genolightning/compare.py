"""Test rows drawn again for several runs at once: intervals of a mean over seeds, and of a difference of models.

Every run is scored on the same draws, so what all models find hard cancels out of a difference (a paired bootstrap,
Efron & Tibshirani 1993; 1,000 draws).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genolightning.genome.files import atomic_write
from genolightning.paths import cache_dir
from genolightning.statistics.bootstrap import percentile_interval, replicates
from genolightning.statistics.evaluate import scorers
from genolightning.statistics.items import items_of, units_of
from genolightning.statistics.metrics import Array

RULES = 1  # counts up when the same predictions come to have another interval

Record = Mapping[str, Any]


class Difference(NamedTuple):
    """A score's mean over some runs less that over others, low <= value <= high."""

    value: float
    low: float
    high: float


def seeds_intervals(
    runs: Sequence[Record], tell: Callable[[str], None] | None = None
) -> dict[str, tuple[float, float]]:
    """For each score the 95 % interval of its mean over the seeds: the same test rows are drawn again for every seed.

    It tells how far other test rows would move the mean; how far other seeds would, the sd tells. Computed from the
    runs' predictions once and kept in the cache; empty where they are not there, are not of the same rows, have several
    places a row, or where rows were drawn in clusters.
    """
    if not _drawable(runs):
        return {}
    sums = [hashlib.sha256(_predictions(run).read_bytes()).hexdigest() for run in runs]
    key = hashlib.sha256(json.dumps([RULES, *sums, *(run.get("threshold") for run in runs)]).encode()).hexdigest()
    kept = cache_dir() / "leaderboard" / f"{key[:32]}.json"
    if not kept.exists():
        if tell:
            tell(f"drawing test rows again: {runs[0]['dataset']}, {runs[0]['model']}, {len(runs)} seeds")
        means = {name: samples.mean(0) for name, samples in _resampled(runs).items()}
        found = {name: percentile_interval(_mean(runs, name), samples) for name, samples in means.items()}
        with atomic_write(kept) as draft:
            draft.write_text(json.dumps(found))
    return {name: (low, high) for name, (low, high) in json.loads(kept.read_text()).items()}


def differences(runs: Sequence[Record], others: Sequence[Record]) -> dict[str, Difference]:
    """For each score its mean over `runs` less its mean over `others`, with the 95 % interval when the same test rows
    are drawn again for all of them. Seeds are taken as they are: their sd stands beside each mean. Empty where
    `seeds_intervals` would be, or where the two were tested on other rows.
    """
    if not _drawable([*runs, *others]):
        return {}
    means = {
        name: samples[: len(runs)].mean(0) - samples[len(runs) :].mean(0)
        for name, samples in _resampled([*runs, *others]).items()
    }
    values = {name: _mean(runs, name) - _mean(others, name) for name in means}
    return {name: Difference(values[name], *percentile_interval(values[name], means[name])) for name in means}


def _predictions(run: Record) -> Path:
    return Path(run["folder"]) / "predictions.parquet"


def _drawable(runs: Sequence[Record]) -> bool:
    clusters = any(one.get("unit") == "cluster" for run in runs for one in run["metrics"].values())
    places = any(run["facts"].get("resolution_bp") is not None for run in runs)
    return not clusters and not places and all(_predictions(run).is_file() for run in runs)


def _mean(runs: Sequence[Record], name: str) -> float:
    return float(np.mean([run["metrics"][name]["value"] for run in runs]))


def _resampled(runs: Sequence[Record]) -> dict[str, Array]:
    """Each score that all runs have, of every run in every draw: (runs, draws)."""
    import polars as pl

    kind, classes = runs[0]["facts"]["kind"], runs[0]["facts"]["classes"]
    frames = [pl.read_parquet(_predictions(run)) for run in runs]
    if not all(one.select("index", "target").equals(frames[0].select("index", "target")) for one in frames):
        return {}
    target = np.asarray(frames[0]["target"].to_list())
    samples = []
    for run, frame in zip(runs, frames, strict=True):
        names = [name for name in frame.columns if name not in ("index", "id", "target")]
        values = frame.select(names[1:] if kind == "binary" else names).to_numpy().astype(np.float64)
        items = items_of(kind, target, values[:, 0] if values.shape[1] == 1 else values)
        units = units_of(items, None)
        samples.append(replicates(scorers(kind, items, units, len(classes), run.get("threshold")), units.number))
    shared = [name for name in samples[0] if all(name in one for one in samples)]
    known = [name for name in shared if all(run["metrics"].get(name, {}).get("value") is not None for run in runs)]
    stacked = {name: np.stack([one[name] for one in samples]) for name in known}
    return {name: values for name, values in stacked.items() if not np.isnan(values.mean(0)).all()}
