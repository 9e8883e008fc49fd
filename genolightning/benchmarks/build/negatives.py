"""Negatives for a set of positives: random stretches of the same genome, as long as they, that touch none of them."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import UserError
from genolightning.genome.alphabet import N
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.genome.reference import Genome

GC_WITHIN = 0.03  # share of G and C of a negative may differ by this from its positive's
DRAWS_AT_ONCE = 1 << 15
DRAWS_EACH = 64
PATIENCE = 20  # rounds in which no negative at all finds a place
UNMATCHED = 0.05  # of the positives may be unlike any free stretch, in their share of G and C

Numbers = NDArray[np.int64]


class Content(NamedTuple):
    """What rows are made of, shares of 0 to 1."""

    gc: NDArray[np.float64]  # (rows,) of the bases that are known; 0 where none is
    n: NDArray[np.float64]  # (rows,) N and ambiguous letters, of all


def content(codes: Codes) -> Content:
    """Shares of G + C and of N in each row.

    >>> content(Codes(np.array([[1, 2, 0, 4]], np.uint8))).n.tolist()
    [0.25]
    """
    if codes.even:
        matrix = codes.padded()
        strong, unknown = ((matrix == 1) | (matrix == 2)).sum(axis=1), (matrix >= N).sum(axis=1)
    else:
        first = codes.offsets[:-1]
        strong = np.add.reduceat((codes.values == 1) | (codes.values == 2), first, dtype=np.int64)
        unknown = np.add.reduceat(codes.values >= N, first, dtype=np.int64)
    return Content(strong / np.maximum(codes.lengths - unknown, 1), unknown / codes.lengths)


class Drawn(NamedTuple):
    """Negatives, and the positives that each was drawn for."""

    negatives: Intervals  # (m,)
    rows: Numbers  # (m,), of the positives; all of them unless some are unlike any free stretch


class _Room:
    """The stretches of a genome that nothing has taken, chromosomes end to end with a wall of one base between them."""

    def __init__(self, genome: Genome, taken: Intervals) -> None:
        self.names = np.array(list(genome.lengths))
        sizes = np.fromiter(genome.lengths.values(), np.int64, len(genome.lengths))
        self.offset = np.concatenate([[0], np.cumsum(sizes + 1)])
        self.start, self.end = self.offset[1:] - 1, self.offset[1:]  # the walls
        chrom = self.chromosome(taken)  # annotation may reach past the end of a chromosome that was cut short
        self.take(self.offset[chrom] + taken.start, self.offset[chrom] + np.minimum(taken.end, sizes[chrom]))

    def chromosome(self, intervals: Intervals) -> Numbers:
        """The number of each interval's chromosome, (n,)."""
        number = {name: i for i, name in enumerate(self.names.tolist())}
        return np.array([number[name] for name in intervals.chrom.tolist()], np.int64)

    def take(self, start: Numbers, end: Numbers) -> None:
        """Take stretches of the line, and measure what is left."""
        self.start, self.end = np.concatenate([self.start, start]), np.concatenate([self.end, end])
        order = np.argsort(self.start, kind="stable")
        self.start, self.end = self.start[order], self.end[order]
        begin = np.concatenate([[0], np.maximum.accumulate(self.end)[:-1]])
        free = self.start > begin
        self.gap_start, self.gap_end = begin[free], self.start[free]
        self.before = np.concatenate([[0], np.cumsum(self.gap_end - self.gap_start)])  # free bases before each gap

    def draw(self, chrom: Numbers | None, length: Numbers, random: np.random.Generator) -> tuple[Numbers, Numbers]:
        """One random free base a row (of its chromosome, where given) to start at; and the rows that fit there."""
        low, high = np.zeros(len(length), np.int64), np.full(len(length), self.before[-1])
        if chrom is not None:
            low = self.before[np.searchsorted(self.gap_start, self.offset[chrom])]
            high = self.before[np.searchsorted(self.gap_start, self.offset[chrom + 1])]
        base = low + (random.random(len(length)) * (high - low)).astype(np.int64)
        gap = np.minimum(np.searchsorted(self.before, base, "right") - 1, len(self.gap_start) - 1)
        start = self.gap_start[gap] + base - self.before[gap]
        return start, np.flatnonzero((start + length <= self.gap_end[gap]) & (high > low))

    def longest(self, chrom: int | None) -> int:
        """The longest free stretch, in bp."""
        inside = slice(None)
        if chrom is not None:
            inside = slice(*np.searchsorted(self.gap_start, self.offset[[chrom, chrom + 1]]).tolist())
        return int((self.gap_end - self.gap_start)[inside].max(initial=0))

    def intervals(self, start: Numbers, length: Numbers) -> Intervals:
        """Stretches of the line as intervals."""
        chrom = np.searchsorted(self.offset, start, "right") - 1
        begin = start - self.offset[chrom]
        return Intervals(self.names[chrom], begin, begin + length)


def draw_negatives(
    positives: Intervals,
    genome: Genome,
    *,
    avoid: Intervals,
    match: Collection[str] = (),
    max_n: float = 0.1,
    seed: int = 1,
) -> Drawn:
    """A negative for each positive, in their order: of its length and strand, anywhere else in the genome.

    Each start is uniform over the free places where it fits. No negative shares a base with a positive, with `avoid`,
    or with another negative; none has a larger share of N than `max_n`. `match` may hold `chromosome` (that of its
    positive) and `gc` (to within .03; up to 5 % of the positives may go without). Chromosomes are spelled as in the
    FASTA.

    Raises UserError where the genome has too little space for them.
    """
    random = np.random.default_rng(seed)
    room = _Room(genome, Intervals.concat([positives, avoid]))
    chrom = room.chromosome(positives) if "chromosome" in match else None
    gc = content(genome.gather(positives)).gc if "gc" in match else None
    length = positives.lengths
    placed = np.full(len(positives), -1)
    octaves = np.frexp(length.astype(np.float64))[1]
    for octave in np.unique(octaves)[::-1]:  # the longest first, for they fit into the fewest places
        waiting, idle = np.flatnonzero(octaves == octave), 0
        while len(waiting):
            _refuse_narrow(room, positives, waiting, chrom)
            rows, start = _candidates(room, genome, waiting, length, chrom, gc, max_n, random)
            placed[rows] = start
            room.take(start, start + length[rows])
            waiting = waiting[placed[waiting] < 0]
            idle = 0 if len(rows) else idle + 1
            if idle == PATIENCE:
                break
    missing = np.flatnonzero(placed < 0)
    if len(missing) > (UNMATCHED * len(positives) if gc is not None else 0):
        _refuse(positives, len(missing), int(missing[0]), f"tried {PATIENCE} times over")
    rows = np.flatnonzero(placed >= 0)
    chosen = room.intervals(placed[rows], length[rows])
    return Drawn(Intervals(chosen.chrom, chosen.start, chosen.end, positives[rows].strand), rows)


def _candidates(
    room: _Room,
    genome: Genome,
    waiting: Numbers,
    length: Numbers,
    chrom: Numbers | None,
    gc: NDArray[np.float64] | None,
    max_n: float,
    random: np.random.Generator,
) -> tuple[Numbers, Numbers]:
    """Rows that found a place this time, and where on the line; no two of them overlap."""
    rows = np.repeat(waiting, np.clip(DRAWS_AT_ONCE // len(waiting), 1, DRAWS_EACH))
    rows = random.permutation(rows)[:DRAWS_AT_ONCE]
    start, fits = room.draw(None if chrom is None else chrom[rows], length[rows], random)
    rows, start = rows[fits], start[fits]
    if not len(rows):
        return rows, start
    found = content(genome.gather(room.intervals(start, length[rows])))
    good = found.n <= max_n
    if gc is not None:
        good &= np.abs(found.gc - gc[rows]) <= GC_WITHIN
    rows, start = rows[good], start[good]
    rows, first = np.unique(rows, return_index=True)
    start = start[first]
    order = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate((start + length[rows])[order])
    clear = order[np.concatenate([[True], start[order][1:] >= reach[:-1]])[: len(order)]]
    return rows[clear], start[clear]


def _refuse_narrow(room: _Room, positives: Intervals, waiting: Numbers, chrom: Numbers | None) -> None:
    """Stop at once where not even an empty hand could place the longest."""
    for one in np.unique(chrom[waiting]).tolist() if chrom is not None else [None]:
        here = waiting if one is None or chrom is None else waiting[chrom[waiting] == one]
        row = int(here[np.argmax(positives.lengths[here])])
        if (widest := room.longest(one)) < positives.lengths[row]:
            where = "" if one is None else f" of {positives.chrom[row]}"
            _refuse(positives, len(waiting), row, f"the widest free stretch{where} has {widest} bp")


def _refuse(positives: Intervals, missing: int, row: int, why: str) -> None:
    raise UserError(
        f"no room for {missing} of {len(positives)} negatives, such as one of {positives.lengths[row]} bp for "
        f"{positives.describe(row)} ({why}); leave out --match or --negatives-from, raise --max-n, or take a larger "
        "genome"
    )
