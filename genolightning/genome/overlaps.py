"""Which intervals share bases: counted, paired and merged, with sorting and binary search over whole columns.

Strands are ignored throughout: both strands of a stretch are the same piece of DNA.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.intervals import Intervals

PAIRS_AT_ONCE = 1 << 21


class Line(NamedTuple):
    """Intervals of all chromosomes laid end to end on one line, so that one sort orders them all."""

    start: NDArray[np.int64]  # (n,)
    end: NDArray[np.int64]  # (n,)


class Overlaps(NamedTuple):
    """Pairs of a query and a target that share bases, sorted by query."""

    query: NDArray[np.int64]  # (pairs,)
    target: NDArray[np.int64]  # (pairs,)
    shared_bp: NDArray[np.int64]  # (pairs,), at least 1


def linearize(*tables: Intervals) -> list[Line]:
    """Place several tables on one coordinate line; chromosomes do not overlap, names are compared as written.

    >>> one, other = linearize(Intervals(["a", "b"], [0, 5], [9, 9]), Intervals(["b"], [0], [6]))
    >>> int(one.start[1] - other.start[0])
    5
    """
    everything = Intervals.concat(tables)
    _, chrom = np.unique(everything.chrom.astype(str), return_inverse=True)
    ends = np.zeros(int(chrom.max(initial=-1)) + 1, np.int64)
    np.maximum.at(ends, chrom, everything.end)
    offset = np.concatenate([[0], np.cumsum(ends + 1)])[chrom]
    cuts = np.cumsum([len(table) for table in tables])[:-1]
    starts, stops = np.split(everything.start + offset, cuts), np.split(everything.end + offset, cuts)
    return [Line(start, stop) for start, stop in zip(starts, stops, strict=True)]


def count_overlaps(queries: Line, targets: Line) -> NDArray[np.int64]:
    """How many targets share at least one base with each query, (queries,).

    >>> tens = Line(np.array([0, 10]), np.array([10, 20]))
    >>> count_overlaps(tens, Line(np.array([9, 20]), np.array([11, 30]))).tolist()
    [1, 1]
    """
    begun = np.searchsorted(np.sort(targets.start), queries.end, "left")
    over = np.searchsorted(np.sort(targets.end), queries.start, "right")
    return begun - over


def overlaps(queries: Line, targets: Line) -> Iterator[Overlaps]:
    """All pairs that share a base, a few million at a time; a query's pairs may come in several portions.

    Targets are taken in classes of length, lest one that is a chromosome long make every query look far to its left.
    """
    length = targets.end - targets.start
    octave = np.frexp(length.astype(np.float64))[1]
    for size in np.unique(octave):
        members = np.flatnonzero(octave == size)
        members = members[np.argsort(targets.start[members], kind="stable")]
        start = targets.start[members]
        first = np.searchsorted(start, queries.start - int(length[members].max()), "right")
        count = np.searchsorted(start, queries.end, "left") - first
        for rows in _portions(count):
            query = np.repeat(rows, count[rows])
            step = np.arange(len(query)) - np.repeat(np.cumsum(count[rows]) - count[rows], count[rows])
            target = members[first[query] + step]
            shared = np.minimum(queries.end[query], targets.end[target])
            shared -= np.maximum(queries.start[query], targets.start[target])
            meet = shared > 0
            yield Overlaps(query[meet], target[meet], shared[meet])


def _portions(count: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Row numbers in portions that hold about PAIRS_AT_ONCE pairs."""
    rows = np.flatnonzero(count > 0)
    portion = np.cumsum(count[rows]) // PAIRS_AT_ONCE
    yield from np.split(rows, np.flatnonzero(np.diff(portion)) + 1)


def reciprocal_overlap(queries: Line, targets: Line) -> NDArray[np.bool_]:
    """Which queries share half of their own bases and half of the target's with at least one target, (queries,)."""
    found = np.zeros(len(queries.start), bool)
    for query, target, shared in overlaps(queries, targets):
        longer = np.maximum(queries.end[query] - queries.start[query], targets.end[target] - targets.start[target])
        found[query[2 * shared >= longer]] = True
    return found


def cluster_overlapping(line: Line) -> NDArray[np.int64]:
    """The locus of each interval, (n,): intervals that share a base, directly or through others, have one number.

    Touching ends share no base. Loci are numbered along the line from 0.

    >>> cluster_overlapping(Line(np.array([20, 0, 5, 8]), np.array([30, 6, 8, 20]))).tolist()
    [2, 0, 0, 1]
    """
    order = np.argsort(line.start, kind="stable")
    reach = np.maximum.accumulate(line.end[order])
    begins = np.concatenate([[False], line.start[order][1:] >= reach[:-1]])
    locus = np.empty(len(order), np.int64)
    locus[order] = np.cumsum(begins)
    return locus
