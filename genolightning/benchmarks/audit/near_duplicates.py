"""Sequences that are nearly the same, on either strand: MinHash to find candidates, shared 9-mers to weigh them.

A sketch is the SKETCH smallest hashes of a row's distinct canonical 24-mers (Broder 1997; Ondov et al., Genome Biol.
17:132, 2016); every hash of it is a band, and rows that meet in two or more bands are candidates. Of the 24 bases the
14 marked in SEED are read: such a spaced seed (Ma et al., PatternHunter, Bioinformatics 18:440, 2002) outlives single
differences near to each other. At 90 % identity and 100 bp it leads to 99 % of the pairs, whole 21-mers to 67 %.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.alphabet import COMPLEMENT
from genolightning.genome.codes import Codes

SEED = "111001010110011010100111"  # reads the same from both ends, else a seed and its other strand would differ
SKETCH = 64
WEIGH_K = 9
LEAST = 0.8  # the similarity from which two sequences are near-duplicates
BINS = (0.8, 0.85, 0.9, 0.95, 1.0)  # lower ends; 1.0 is the same sequence or its reverse complement
NEIGHBOURS = 16  # rows of one band that each row is compared with: a repeat of a million copies stays linear
BASES_AT_ONCE = 1 << 18
PAIRS_AT_ONCE = 1 << 24
NOTHING = np.uint64(2**64 - 1)

Words = NDArray[np.uint64]


class NearDuplicates(NamedTuple):
    """Pairs of near-duplicate rows, `first` < `second`, each pair once."""

    first: NDArray[np.int64]  # (pairs,)
    second: NDArray[np.int64]  # (pairs,)
    similarity: NDArray[np.float64]  # (pairs,), LEAST to 1


class ExactDuplicates(NamedTuple):
    """Rows of equal sequence, strand ignored."""

    group: NDArray[np.int64]  # (rows,) numbered from 0, in order of first appearance
    first: NDArray[np.int64]  # (groups,) the first row of each


def exact_duplicates(codes: Codes) -> ExactDuplicates:
    """Which rows hold the same sequence or its reverse complement; N equals N.

    >>> exact_duplicates(Codes(np.array([0, 0, 1, 2, 3, 3], np.uint8), np.array([0, 3, 6]))).group.tolist()
    [0, 0]
    """
    numbers: dict[bytes, int] = {}
    complement = COMPLEMENT.tobytes() + bytes(250)
    data = codes.values.tobytes()
    offsets = codes.offsets.tolist()
    group = np.empty(len(codes), np.int64)
    first: list[int] = []
    for row, (start, end) in enumerate(itertools.pairwise(offsets)):
        forward = data[start:end]
        number = numbers.setdefault(min(forward, forward.translate(complement)[::-1]), len(numbers))
        if number == len(first):
            first.append(row)
        group[row] = number
    return ExactDuplicates(group, np.array(first, np.int64))


def near_duplicate_pairs(codes: Codes, *, rows: NDArray[np.int64] | None = None) -> NearDuplicates:
    """Pairs of rows, among `rows` or all, whose similarity is LEAST or more on either strand; pass distinct sequences.

    The similarity is the identity per base that explains the share of 9-mers the shorter row has in common with the
    longer; of random pairs it is about .5. Indels and shifts count like a few differences; N is in no k-mer. Rows
    shorter than 24 bases are in no pair.
    """
    rows = np.arange(len(codes)) if rows is None else rows
    hashes, owners = _sketches(codes, rows)
    candidates = _candidates(hashes, owners)
    del hashes, owners
    return _weighed(codes, candidates)


def _sketches(codes: Codes, rows: NDArray[np.int64]) -> tuple[Words, NDArray[np.int32]]:
    """The smallest distinct hashes of each row, at most SKETCH, and the row each belongs to."""
    hashes, owners = [], []
    for part in _portions(codes, rows):
        matrix = codes.padded(part)
        smallest = _mixed(_canonical(matrix, SEED))
        smallest.sort(axis=1)
        keep = smallest != NOTHING
        keep[:, 1:] &= smallest[:, 1:] != smallest[:, :-1]
        keep &= np.cumsum(keep, axis=1) <= SKETCH
        hashes.append(smallest[keep])
        owners.append(np.repeat(part.astype(np.int32), keep.sum(axis=1)))
    return np.concatenate([np.empty(0, np.uint64), *hashes]), np.concatenate([np.empty(0, np.int32), *owners])


def _candidates(hashes: Words, owners: NDArray[np.int32]) -> Words:
    """Pairs of rows with two or more hashes in common, as first << 32 | second."""
    order = np.argsort(hashes, kind="stable")  # so that rows of one band keep the order of the table
    hashes, owners = hashes[order], owners[order]
    del order
    steps = range(1, NEIGHBOURS + 1)
    total = sum(int(np.count_nonzero(hashes[step:] == hashes[:-step])) for step in steps)
    parts = 1 + total // PAIRS_AT_ONCE  # by first row, so that all meetings of a pair are in one part
    found = [np.empty(0, np.uint64)]
    for part in range(parts):
        meetings = [_meetings(hashes, owners, step, parts, part) for step in steps]
        pairs = np.concatenate(meetings)
        pairs.sort()
        found.append(np.unique(pairs[1:][pairs[1:] == pairs[:-1]]))
    return np.concatenate(found)


def _meetings(hashes: Words, owners: NDArray[np.int32], step: int, parts: int, part: int) -> Words:
    """Pairs of rows that are `step` apart in one band, those of one part."""
    same = np.flatnonzero(hashes[step:] == hashes[:-step])
    one, other = owners[same], owners[same + step]
    first = np.minimum(one, other)
    mine = first % parts == part
    pairs: Words = first[mine].astype(np.uint64) << np.uint64(32) | np.maximum(one, other)[mine].astype(np.uint64)
    return pairs


def _weighed(codes: Codes, candidates: Words) -> NearDuplicates:
    """Candidates whose similarity is LEAST or more."""
    first = (candidates >> np.uint64(32)).astype(np.int64)
    second = (candidates & np.uint64(2**32 - 1)).astype(np.int64)
    lengths = codes.lengths
    longer = np.maximum(lengths[first], lengths[second]) if len(first) else first
    order = np.argsort(longer, kind="stable")
    similarity = np.zeros(len(first))
    at = 0
    while at < len(order):
        count = max(1, BASES_AT_ONCE // int(longer[order[at]]))
        pairs = order[at : at + count]
        pairs = pairs[longer[pairs] <= max(2 * longer[order[at]], 64)]
        similarity[pairs] = _shared(codes, first[pairs], second[pairs])
        at += len(pairs)
    alike = similarity >= LEAST
    return NearDuplicates(first[alike], second[alike], similarity[alike])


def _shared(codes: Codes, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    rows, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    words = np.minimum(_canonical(codes.padded(rows), "1" * WEIGH_K), np.uint64(2**32 - 1)).astype(np.uint32)
    words.sort(axis=1)
    words[:, 1:][words[:, 1:] == words[:, :-1]] = 2**32 - 1
    size = (words < 4**WEIGH_K).sum(axis=1)
    one, other = place[: len(first)], place[len(first) :]
    both = np.concatenate([words[one], words[other]], axis=1)
    both.sort(axis=1)
    common = ((both[:, 1:] == both[:, :-1]) & (both[:, 1:] < 4**WEIGH_K)).sum(axis=1)
    share: NDArray[np.float64] = common / np.maximum(np.minimum(size[one], size[other]), 1)
    return share ** (1 / WEIGH_K)


def _portions(codes: Codes, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Rows of like length together, so that little is padding; each portion small enough for the processor's cache."""
    lengths = codes.lengths[rows]
    order = np.argsort(lengths, kind="stable")
    at = int(np.searchsorted(lengths[order], len(SEED)))
    while at < len(order):
        count = max(1, BASES_AT_ONCE // int(lengths[order[at]]))
        part = order[at : at + count]
        part = part[lengths[part] <= 2 * lengths[order[at]]]
        yield rows[part]
        at += len(part)


def _canonical(matrix: NDArray[np.uint8], seed: str) -> Words:
    """The smaller of each window and its other strand, two bits a marked base; NOTHING where the window holds N.

    (rows, bases) to (rows, bases - span + 1).
    """
    span = len(seed)
    width = matrix.shape[1] - span + 1
    if width < 1:
        return np.full((len(matrix), 1), NOTHING)
    bases = (matrix & 3).astype(np.uint64)
    forward = np.zeros((len(matrix), width), np.uint64)
    backward = np.zeros_like(forward)
    marked = [place for place, mark in enumerate(seed) if mark == "1"]
    for number, place in enumerate(marked):
        column = bases[:, place : place + width]
        forward |= column << np.uint64(2 * (len(marked) - 1 - number))
        backward |= (column ^ np.uint64(3)) << np.uint64(2 * number)
    words = np.minimum(forward, backward)
    unknown = np.cumsum(matrix > 3, axis=1, dtype=np.int32)
    if unknown[:, -1].any():
        before = np.concatenate([np.zeros((len(matrix), 1), np.int32), unknown], axis=1)
        words[before[:, span:] > before[:, :width]] = NOTHING
    return words


def _mixed(words: Words) -> Words:
    """One pseudo-random order of all seeds (a multiply and shift, invertible); NOTHING stays last."""
    with np.errstate(over="ignore"):
        mixed = words * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return np.where(words == NOTHING, NOTHING, mixed)
