"""Interval arithmetic agrees with the slow definition, two intervals at a time."""

import numpy as np
import pytest

from genolightning.genome.intervals import Intervals
from genolightning.genome.overlaps import cluster_overlapping, count_overlaps, linearize, overlaps, reciprocal_overlap


def some_intervals(seed: int, rows: int = 60) -> Intervals:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 300, rows)
    length = np.where(rng.random(rows) < 0.1, 200, rng.integers(1, 30, rows))
    return Intervals(rng.choice(["chr1", "chr2", "chr10"], rows), start, start + length)


def shared_bp(one: Intervals, i: int, other: Intervals, j: int) -> int:
    if one.chrom[i] != other.chrom[j]:
        return 0
    return max(0, int(min(one.end[i], other.end[j]) - max(one.start[i], other.start[j])))


def slow_table(one: Intervals, other: Intervals) -> np.ndarray:
    return np.array([[shared_bp(one, i, other, j) for j in range(len(other))] for i in range(len(one))])


@pytest.mark.parametrize("seed", range(5))
def test_every_pair_that_shares_a_base_is_found_with_its_bases(seed):
    queries, targets = some_intervals(seed), some_intervals(seed + 100)
    asked, known = linearize(queries, targets)
    found = np.zeros((60, 60), int)
    for query, target, shared in overlaps(asked, known):
        found[query, target] += shared
    slow = slow_table(queries, targets)
    assert (found == slow).all()
    assert (count_overlaps(asked, known) == (slow > 0).sum(axis=1)).all()


@pytest.mark.parametrize("seed", range(5))
def test_half_shared_means_half_of_both(seed):
    queries, targets = some_intervals(seed), some_intervals(seed + 100)
    longer = np.maximum(queries.lengths[:, None], targets.lengths)
    slow = (2 * slow_table(queries, targets) >= longer).any(axis=1)
    assert (reciprocal_overlap(*linearize(queries, targets)) == slow).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_locus_is_all_that_hangs_together_by_overlaps(seed):
    rows = some_intervals(seed)
    locus = cluster_overlapping(linearize(rows)[0])
    linked = slow_table(rows, rows) > 0
    for _ in range(6):
        linked = linked @ linked
    assert ((locus[:, None] == locus) == linked).all()


def test_touching_ends_share_no_base():
    one, other = linearize(Intervals(["a"], [0], [10]), Intervals(["a", "b"], [10, 5], [20, 6]))
    assert count_overlaps(one, other).tolist() == [0]
    assert cluster_overlapping(linearize(Intervals(["a", "a"], [0, 10], [10, 20]))[0]).tolist() == [0, 1]


def test_no_interval_at_all_meets_nothing():
    none, some = linearize(Intervals(np.array([], str), [], []), some_intervals(1))
    assert count_overlaps(some, none).sum() == 0
    assert not reciprocal_overlap(some, none).any()
    assert len(cluster_overlapping(none)) == 0
