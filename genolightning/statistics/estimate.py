"""A score with its 95 % interval; imports nothing heavy, so that records can be read quickly."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Estimate(NamedTuple):
    """A score and the 95 % interval around it, low <= value <= high; all three NaN where the score does not exist."""

    value: float
    low: float
    high: float
    unit: str  # what the bootstrap resampled: "row", "cluster", or "block" of a genome

    @property
    def exists(self) -> bool:
        """Whether value and interval are finite numbers."""
        return all(math.isfinite(number) for number in (self.value, self.low, self.high))

    @classmethod
    def from_json(cls, values: Any) -> "Estimate":
        """Read {"value", "low", "high", "unit"}; whatever is missing or no number becomes NaN, a missing unit "row"."""
        parts = values if isinstance(values, Mapping) else {}
        numbers = [parts.get(name) for name in ("value", "low", "high")]
        value, low, high = (float(one) if isinstance(one, int | float) else math.nan for one in numbers)
        return cls(value, low, high, str(parts.get("unit", "row")))
