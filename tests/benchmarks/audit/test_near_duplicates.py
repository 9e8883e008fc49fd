"""Near-duplicates are found, on either strand, and random sequences are not."""

import numpy as np
import pytest

from genolightning.benchmarks.audit.near_duplicates import LEAST, exact_duplicates, near_duplicate_pairs
from genolightning.genome.alphabet import reverse_complement
from genolightning.genome.codes import Codes, encode
from tests.helpers.make import sequence


def packed(rows: list[np.ndarray]) -> Codes:
    lengths = [len(row) for row in rows]
    return Codes(np.concatenate(rows), np.concatenate([[0], np.cumsum(lengths)]))


def planted(rows: int, length: int, identity: float, *, seed: int = 0) -> Codes:
    """Random rows, then a copy of each with some bases changed, every other copy from the other strand."""
    rng = np.random.default_rng(seed)
    originals = rng.integers(0, 4, (rows, length), dtype=np.uint8)
    copies = originals.copy()
    for copy in copies:
        places = rng.choice(length, round(length * (1 - identity)), replace=False)
        copy[places] = (copy[places] + rng.integers(1, 4, len(places))) % 4
    copies[::2] = reverse_complement(copies[::2])
    return packed([*originals, *copies])


@pytest.mark.parametrize("length", [101, 251, 400])
def test_95_percent_of_pairs_at_90_percent_identity_are_found_and_no_others(length):
    rows = 400
    found = near_duplicate_pairs(planted(rows, length, 0.9))
    true = found.second - found.first == rows
    assert true.sum() >= 0.95 * rows
    assert true.all()


@pytest.mark.parametrize("identity", [0.9, 0.95, 0.99])
def test_the_similarity_is_near_the_identity_that_was_planted(identity):
    assert near_duplicate_pairs(planted(100, 1000, identity)).similarity == pytest.approx(identity, abs=0.03)


def test_a_deletion_and_a_shift_leave_a_pair_near():
    row = encode([sequence(400, seed=3)])[0]
    found = near_duplicate_pairs(packed([row, np.delete(row, 200), row[40:], encode([sequence(400, seed=4)])[0]]))
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) == {(0, 1), (0, 2), (1, 2)}


def test_rows_without_enough_bases_are_in_no_pair():
    rows = [np.full(60, 4, np.uint8)] * 2 + [encode(["ACGTACGTACGT"])[0]] * 2
    assert len(near_duplicate_pairs(packed(rows)).first) == 0


def test_half_alike_is_not_near():
    found = near_duplicate_pairs(planted(100, 400, LEAST - 0.15))
    assert len(found.first) == 0


def test_pairs_are_the_same_when_they_come_in_portions(monkeypatch):
    codes = planted(60, 200, 0.9)
    whole = near_duplicate_pairs(codes)
    monkeypatch.setattr("genolightning.benchmarks.audit.near_duplicates.PAIRS_AT_ONCE", 50)
    monkeypatch.setattr("genolightning.benchmarks.audit.near_duplicates.BASES_AT_ONCE", 1000)
    parts = near_duplicate_pairs(codes)
    pairs = [set(zip(found.first.tolist(), found.second.tolist(), strict=True)) for found in (whole, parts)]
    assert pairs[0] == pairs[1]
    assert len(parts.first) == len(pairs[1])


def test_only_the_rows_asked_for_are_compared():
    codes = planted(20, 300, 0.95)
    found = near_duplicate_pairs(codes, rows=np.array([0, 1, 20]))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 20)]


def test_the_same_sequence_and_its_other_strand_are_one_group():
    row = encode([sequence(50, seed=1)])[0]
    other = encode([sequence(50, seed=2)])[0]
    assert exact_duplicates(packed([row, other, reverse_complement(row), row[:-1], other])).group.tolist() == [
        0,
        1,
        0,
        2,
        1,
    ]
