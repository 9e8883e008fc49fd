"""Where sequences occur in a genome: exact matches on both strands, every hit counted (seq2loc).

One pass over the genome. The first bases of every sequence and of its other strand, as a number of two bits a base, are
its seeds; a bitmap of mixed seeds rejects nearly every place of the genome, what is left is compared base by base.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.alphabet import N, complement, reverse_complement
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.genome.reference import Genome

LONGEST_SEED_BP = 31  # two bits a base in 64 bits
BASES_AT_ONCE = 1 << 20
COMPARED_AT_ONCE = 1 << 24
BITMAP_BITS = 23

Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]


class Located(NamedTuple):
    """Every hit of every sequence, by sequence, then in the order of the genome."""

    intervals: Intervals  # (hits,) names as in the genome; a sequence that is its own other strand is "+"
    query: Numbers  # (hits,) the sequence's row
    hits: Numbers  # (sequences,) hits of each; 0: not in this genome

    def first(self) -> Numbers:
        """The first hit of each sequence that has one, as rows of `intervals`."""
        return np.flatnonzero(np.diff(self.query, prepend=-1) > 0)


class Seeds(NamedTuple):
    """Seeds to look for, sorted: two entries a sequence, one if it is its own reverse complement."""

    word: Words  # (entries,)
    query: Numbers  # (entries,)
    backward: NDArray[np.bool_]  # (entries,)
    seed_bp: int
    bitmap: NDArray[np.bool_]  # mixed seeds that occur


def locate(queries: Codes, genome: Genome) -> Located:
    """Find sequences of any lengths in a genome, exactly, on both strands.

    N matches nothing, itself included: a sequence with an N is found nowhere. Sequences of 31 bases and more are
    sought together in one pass, shorter ones in up to four more; those under a dozen bases are everywhere, and slow.
    """
    found = [hits for rows in _alike(queries) for hits in _search(queries, rows, genome)]
    record, start, query, backward = (
        (np.concatenate(column) for column in zip(*found, strict=True)) if found else np.zeros((4, 0), np.int64)
    )
    order = np.lexsort((start, record, query))
    record, start, query, backward = record[order], start[order], query[order], backward[order].astype(bool)
    end = start + queries.lengths[query]
    strand = np.where(backward, "-", "+")
    intervals = Intervals(np.array(list(genome.lengths), dtype=str)[record], start, end, strand, str(genome.fasta))
    return Located(intervals, query, np.bincount(query, minlength=len(queries)))


def _alike(queries: Codes) -> Iterator[Numbers]:
    """Rows without N, in classes of length, lest one short row make a short seed of every other's."""
    lengths = queries.lengths
    unknown = np.concatenate([[0], np.cumsum(queries.values >= N)])[queries.offsets]
    known = np.diff(unknown) == 0
    for least, beyond in itertools.pairwise((1, 4, 8, 16, LONGEST_SEED_BP, np.inf)):
        rows = np.flatnonzero(known & (lengths >= least) & (lengths < beyond))
        if len(rows):
            yield rows


def _search(queries: Codes, rows: Numbers, genome: Genome) -> Iterator[tuple[Numbers, ...]]:
    """Record, start, query and strand (True is "-") of the hits of some rows, portion by portion of the genome."""
    seeds = _seeds(queries, rows)
    lengths = queries.lengths
    names, sizes = list(genome.lengths), np.array(list(genome.lengths.values()), np.int64)
    for record, start, values, piece_bp in _pieces(genome, seeds.seed_bp):
        ends = np.cumsum(piece_bp)
        for place, entry in _hits(values, ends, seeds):
            piece = np.searchsorted(ends, place, "right")
            begin = place - (ends - piece_bp)[piece] + start[piece]
            query = seeds.query[entry]
            inside = begin + lengths[query] <= sizes[record[piece]]
            place_of = (record[piece][inside], begin[inside], query[inside])
            backward = seeds.backward[entry][inside]
            same = _same_bases(queries, genome, names, *place_of, backward)
            yield (*(column[same] for column in place_of), backward[same].astype(np.int64))


def _seeds(queries: Codes, rows: Numbers) -> Seeds:
    seed_bp = min(LONGEST_SEED_BP, int(queries.lengths[rows].min()))
    column = np.arange(seed_bp)
    forward = _word(queries.values[queries.offsets[rows][:, None] + column])
    backward = _word(complement(queries.values[queries.offsets[rows + 1][:, None] - 1 - column]))
    own = np.array([_is_palindrome(queries[row]) for row in rows.tolist()])
    other = ~own
    word = np.concatenate([forward, backward[other]])
    query = np.concatenate([rows, rows[other]])
    turned = np.repeat([False, True], [len(rows), int(other.sum())])
    order = np.argsort(word, kind="stable")
    bitmap = np.zeros(1 << BITMAP_BITS, bool)
    bitmap[_mixed(word)] = True
    return Seeds(word[order], query[order], turned[order], seed_bp, bitmap)


def _is_palindrome(codes: NDArray[np.uint8]) -> bool:
    if len(codes) % 2 or codes[0] + codes[-1] != 3:
        return False
    return bool((reverse_complement(codes) == codes).all())


def _word(bases: NDArray[np.uint8]) -> Words:
    """The bases of each row (rows, seed_bp) as one number, the first base highest."""
    word = np.zeros(len(bases), np.uint64)
    for column in bases.T:
        word = word << np.uint64(2) | column
    return word


def _rolling(values: NDArray[np.uint8], seed_bp: int) -> Words:
    """The seed that begins at each base, (bases - seed_bp + 1,): k-mers of 1, 2, 4, ... bases are joined."""
    power = (values & 3).astype(np.uint64)  # an N reads as some base; the comparison sees it
    word, length, size = None, 0, 1
    while True:
        if seed_bp & size:
            if word is None:
                word = power
            else:
                count = len(power) - length
                word = word[:count] << np.uint64(2 * size) | power[length : length + count]
            length += size
        if 2 * size > seed_bp:
            break
        power = power[:-size] << np.uint64(2 * size) | power[size:]
        size *= 2
    assert word is not None
    return word[: len(values) - seed_bp + 1]


def _mixed(words: Words) -> Words:
    """A pseudo-random place in the bitmap for each seed."""
    with np.errstate(over="ignore"):
        return words * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(64 - BITMAP_BITS)


def _pieces(genome: Genome, seed_bp: int) -> Iterator[tuple[Numbers, Numbers, NDArray[np.uint8], Numbers]]:
    """The genome in portions of about a million bases: record and start of each piece, their bases end to end, lengths.

    A long record comes in pieces that share seed_bp - 1 bases, short ones come many together.
    """
    names = list(genome.lengths)
    waiting: list[tuple[int, int, int]] = []
    total = 0
    for number, size in enumerate(genome.lengths.values()):
        for start in range(0, max(size - seed_bp + 1, 0), BASES_AT_ONCE):
            end = min(start + BASES_AT_ONCE + seed_bp - 1, size)
            waiting.append((number, start, end))
            total += end - start
            if total >= BASES_AT_ONCE:
                yield _read(genome, names, waiting)
                waiting, total = [], 0
    if waiting:
        yield _read(genome, names, waiting)


def _read(
    genome: Genome, names: list[str], pieces: list[tuple[int, int, int]]
) -> tuple[Numbers, Numbers, NDArray[np.uint8], Numbers]:
    record, start, end = np.array(pieces, np.int64).T
    codes = genome.gather(Intervals(np.array([names[number] for number in record.tolist()]), start, end))
    return record, start, codes.values, end - start


def _hits(values: NDArray[np.uint8], ends: Numbers, seeds: Seeds) -> Iterator[tuple[Numbers, Numbers]]:
    """Places whose seed is one of ours, each with every entry of that seed; none crosses the end of its piece."""
    words = _rolling(values, seeds.seed_bp)
    place = np.flatnonzero(seeds.bitmap[_mixed(words)])
    place = place[place + seeds.seed_bp <= ends[np.searchsorted(ends, place, "right")]]
    first = np.searchsorted(seeds.word, words[place], "left")
    known = seeds.word[first.clip(max=len(seeds.word) - 1)] == words[place]
    place, first = place[known], first[known]
    place, first = place[clean := _clean(values, place, seeds.seed_bp)], first[clean]
    count = np.searchsorted(seeds.word, words[place], "right") - first
    limit = COMPARED_AT_ONCE // 64
    for rows in np.split(np.arange(len(place)), np.flatnonzero(np.diff(np.cumsum(count) // limit)) + 1):
        step = np.arange(int(count[rows].sum())) - np.repeat(np.cumsum(count[rows]) - count[rows], count[rows])
        yield np.repeat(place[rows], count[rows]), np.repeat(first[rows], count[rows]) + step


def _clean(values: NDArray[np.uint8], place: Numbers, seed_bp: int) -> NDArray[np.bool_]:
    """Whether no base of the seed at each place is N."""
    clean = np.ones(len(place), bool)
    for base in range(seed_bp):
        clean &= values[place + base] < N
    return clean


def _same_bases(
    queries: Codes,
    genome: Genome,
    names: list[str],
    record: Numbers,
    start: Numbers,
    query: Numbers,
    backward: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether all bases of each candidate are its query's; they are read from the genome in the query's direction."""
    lengths = queries.lengths[query]
    same = np.ones(len(query), bool)
    labels = np.array(names, dtype=str)
    portion = np.cumsum(lengths) // COMPARED_AT_ONCE
    for rows in np.split(np.arange(len(query)), np.flatnonzero(np.diff(portion)) + 1):
        if not len(rows):
            continue
        strand = np.where(backward[rows], "-", "+")
        found = genome.gather(Intervals(labels[record[rows]], start[rows], (start + lengths)[rows], strand))
        begin = np.repeat(queries.offsets[query[rows]] - found.offsets[:-1], lengths[rows])
        equal = queries.values[begin + np.arange(len(found.values))] == found.values
        same[rows] = np.logical_and.reduceat(equal, found.offsets[:-1])
    return same
