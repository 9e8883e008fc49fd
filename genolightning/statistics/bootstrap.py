"""Bootstrap intervals (Efron & Tibshirani 1993): units are drawn with replacement and every score is computed again.

The interval is the middle 95 % of the resampled scores.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scorer = Callable[[Array], dict[str, Array]]  # weights (units, resamples) -> {name: (resamples,)}

RESAMPLES = 1000
LEVEL = 0.95


class ResamplingUnits(NamedTuple):
    """The unit that each item belongs to. A bootstrap draws units, with all their items."""

    unit: NDArray[np.int64]  # (items,), 0 .. number - 1
    number: int

    def at(self, items: NDArray[Any]) -> "ResamplingUnits":
        """Select items, by numbers or bool (items,); the units stay."""
        return ResamplingUnits(self.unit[items], self.number)


def one_unit_per_item(items: int) -> ResamplingUnits:
    """Make every item a unit of its own: unit int64 (items,)."""
    return ResamplingUnits(np.arange(items), items)


def resample_weights(units: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Draw how often each unit is in each resample: float64 (units, some resamples) at a time; columns sum to `units`.

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
    """Compute every score in every resample: {name: float64 (resamples,)}."""
    chunks = [
        {name: values for scorer in scorers for name, values in scorer(weights).items()}
        for weights in resample_weights(units, resamples=resamples, seed=seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def percentile_interval(value: float, samples: Array) -> tuple[float, float]:
    """The middle 95 % of a score's resamples, float64 (n,), widened where needed so that low <= value <= high.

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
