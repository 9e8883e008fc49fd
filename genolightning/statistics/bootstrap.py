"""Bootstrap intervals: units drawn with replacement, every score computed again, the middle 95 % of what came out."""

from collections.abc import Iterator

import numpy as np

from genolightning.statistics.metrics import Array, Scorer

RESAMPLES = 1000
LEVEL = 0.95


def resample_weights(units: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """How often each unit is in each resample: (units, some resamples) at a time, each column sums to `units`.

    The same seed draws the same resamples, so two models scored with it on the same rows are scored on the same draws.
    """
    draw = np.random.default_rng(seed)
    columns = int(np.clip(2**22 // max(units, 1), 8, 128))
    for start in range(0, resamples, columns):
        count = min(columns, resamples - start)
        drawn = draw.integers(units, size=(count, units))
        drawn += units * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units)
        yield np.ascontiguousarray(weights.T, dtype=np.float64)


def replicates(scorers: list[Scorer], units: int, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Array]:
    """Every score in every resample: {name: (resamples,)}."""
    chunks = [
        {name: values for scorer in scorers for name, values in scorer(weights).items()}
        for weights in resample_weights(units, resamples=resamples, seed=seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def percentile_interval(value: float, samples: Array) -> tuple[float, float]:
    """The middle 95 % of a score's resamples (n,), widened where needed so that low <= value <= high.

    The plain percentiles can miss the value itself, where resampling shifts a score (an AUPRC of few positives) or
    where it barely moves. Such an interval is widened to the value, never moved: it can only become more cautious.
    Resamples without a score (NaN: no positive was drawn) are left out. A value that is NaN has the interval NaN, NaN.
    """
    defined = samples[~np.isnan(samples)]
    if np.isnan(value):
        return float("nan"), float("nan")
    if not len(defined):
        return value, value
    # place (n + 1) q: the one at which a new draw falls below with chance q (Davison & Hinkley 1997, 5.3)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="weibull")
    return min(float(low), value), max(float(high), value)
