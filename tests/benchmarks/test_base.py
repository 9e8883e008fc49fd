"""Interval tables and the embedded datasets can be gathered window by window, and give the rows that `rows` gives."""

import numpy as np
import pytest

from genolightning.benchmarks.base import GenomeBenchmark
from genolightning.benchmarks.motifs import Motifs


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path_factory.getbasetemp() / "motifs_cache"))


@pytest.mark.parametrize("settings", [{}, {"kind": "regression", "classes": []}, {"resolution_bp": 1}])
def test_windows_and_labels_are_those_of_the_rows(settings):
    benchmark: GenomeBenchmark = Motifs(**settings)
    rows, intervals, labels = benchmark.rows("test"), benchmark.intervals("test"), benchmark.labels("test")
    some = np.array([7, 0, 1499])
    assert (benchmark.genome.gather(intervals[some]).values == rows.codes.take(some).values).all()
    assert (labels.gather(intervals.start[some], 200, some) == rows.target[some]).all()
    assert labels.values.dtype.itemsize <= 4


def test_published_intervals_have_the_ids_of_the_rows():
    benchmark = Motifs()
    published = benchmark.published_intervals("test")
    assert published.ids.tolist() == benchmark.rows("test").ids.tolist()
    assert set(published.intervals.chrom) == {"motifs:5"}
    assert np.bincount(published.table).tolist() == [750, 750]
