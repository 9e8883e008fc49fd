"""Where a genome holds no known base: runs of N and other ambiguous letters, and how many of them a window holds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.alphabet import N

CHUNK_BP = 1 << 24


class Gaps(NamedTuple):
    """The runs of unknown bases along one record, in order."""

    start: NDArray[np.int64]  # (runs,)
    end: NDArray[np.int64]  # (runs,)
    before: NDArray[np.int64]  # (runs,) unknown bases before each run

    def within(self, start: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Unknown bases in windows of `length` that begin at `start`, (windows,)."""
        return self._up_to(start + length) - self._up_to(start)

    def _up_to(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(self.start):
            return np.zeros(len(place), np.int64)
        run = np.searchsorted(self.start, place, "right") - 1
        inside = np.minimum(place, self.end[run]) - self.start[run]
        return np.where(run < 0, 0, self.before[run] + inside)


def find_gaps(codes: NDArray[np.uint8]) -> Gaps:
    """Find the runs in one pass over a record's codes (length,), a few megabytes at a time.

    >>> found = find_gaps(np.array([4, 0, 4, 4, 1], np.uint8))
    >>> found.start.tolist(), found.end.tolist()
    ([0, 2], [1, 4])
    >>> found.within(np.array([0, 1, 3]), 2).tolist()
    [1, 1, 1]
    """
    edges = []
    last = False
    for first in range(0, len(codes), CHUNK_BP):
        mask = codes[first : first + CHUNK_BP] >= N
        edges.append(np.flatnonzero(mask[1:] != mask[:-1]) + first + 1)
        if bool(mask[0]) != last:
            edges.append(np.array([first]))
        last = bool(mask[-1])
    if last:
        edges.append(np.array([len(codes)]))
    found = np.sort(np.concatenate([np.empty(0, np.int64), *edges]))
    start, end = found[::2], found[1::2]
    return Gaps(start, end, np.cumsum(end - start) - (end - start))
