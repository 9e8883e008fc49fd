"""An estimate as a record holds it."""

import math

import pytest

from genolightning.statistics.estimate import Estimate


def test_an_estimate_comes_back_from_json():
    first = Estimate(0.5, 0.25, 0.75, "block")
    assert Estimate.from_json(first._asdict()) == first
    assert first.exists


@pytest.mark.parametrize("values", [None, {}, [1, 2], {"value": None}, {"value": "high", "low": 0.1, "high": 0.2}])
def test_what_is_missing_or_no_number_is_nan_and_the_score_does_not_exist(values):
    found = Estimate.from_json(values)
    assert math.isnan(found.value)
    assert (found.exists, found.unit) == (False, "row")
