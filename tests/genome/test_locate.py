"""Sequences go back to where they came from."""

import numpy as np
import pytest

from genolightning.genome.alphabet import decode
from genolightning.genome.codes import Codes, encode
from genolightning.genome.intervals import Intervals
from genolightning.genome.locate import locate
from genolightning.genome.reference import Genome
from tests.helpers.make import plain_slice, sequence, tiny_genome, write_fasta


@pytest.fixture
def genome(tmp_path) -> Genome:
    return Genome(write_fasta(tmp_path / "tiny.fa"))


def one_genome(tmp_path, **records: str) -> Genome:
    return Genome(write_fasta(tmp_path / "one.fa", records))


def hits(located) -> list[tuple]:
    place = located.intervals
    columns = (located.query, place.chrom, place.start, place.end, place.strand)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def slow_hits(records: dict[str, str], queries: list[str]) -> list[tuple]:
    """The same by string comparison at every place; what is no ACGT matches nothing."""
    found = []
    for number, query in enumerate(queries):
        for name in records:
            for start in range(len(records[name]) - len(query) + 1):
                for strand in "+-":
                    same = plain_slice(records, name, start, start + len(query), strand) == query
                    if same and "N" not in query and (number, name, start, start + len(query), "+") not in found:
                        found.append((number, name, start, start + len(query), strand))
    return found


@pytest.mark.parametrize("length", [40, 31, 20, None])
def test_intervals_to_sequences_to_intervals_is_the_identity(genome, length):
    rng = np.random.default_rng(3)
    size = np.full(50, length) if length else rng.integers(20, 100, 50)
    start = rng.integers(0, 500, 50)
    there = Intervals(rng.choice(["chr1", "chr2"], 50), start, start + size, rng.choice(["+", "-"], 50))
    codes = genome.gather(there)
    located = locate(codes, genome)
    back = located.intervals[located.first()]
    whole = located.hits > 0
    known = there[whole]
    assert whole.sum() > 10
    assert (located.hits[whole] == 1).all()
    for column in ("chrom", "start", "end", "strand"):
        assert (getattr(back, column) == getattr(known, column)).all()


@pytest.mark.parametrize("seed", range(3))
def test_short_sequences_are_found_wherever_a_plain_search_finds_them(tmp_path, seed):
    records = {"a": sequence(90, seed=seed, letters="ACGTN"), "b": sequence(70, seed=seed + 9), "c": "ACG"}
    queries = [sequence(2 + n % 7, seed=n + 50 * seed) for n in range(12)] + ["ACGT", records["b"][3:45], "AC"]
    found = locate(encode(queries), one_genome(tmp_path, **records))
    assert sorted(hits(found)) == sorted(slow_hits(records, queries))
    assert found.hits.tolist() == [sum(row[0] == n for row in hits(found)) for n in range(len(queries))]


def test_n_matches_nothing_not_even_n(tmp_path):
    genome = one_genome(tmp_path, a="ACGTTGCA" + "N" * 40 + "GGATTCAA" * 5)
    located = locate(encode(["N" * 35, "ACGTTGCAN", "A" * 35, "GGATTCAAG"]), genome)
    assert located.hits.tolist() == [0, 0, 0, 4]


def test_a_sequence_that_is_its_own_other_strand_lies_on_plus_only(tmp_path):
    palindrome = (half := sequence(20, seed=5)) + decode(np.array([3, 2, 1, 0], np.uint8)[encode([half])[0][::-1]])
    located = locate(encode([palindrome]), one_genome(tmp_path, a=sequence(50, seed=6) + palindrome + "A" * 9))
    assert hits(located) == [(0, "a", 50, 90, "+")]


def test_a_match_is_not_made_of_the_ends_of_two_records(tmp_path):
    one, other = sequence(50, seed=1), sequence(50, seed=2)
    located = locate(encode([one[20:] + other[:20], one[19:]]), one_genome(tmp_path, one=one, other=other))
    assert located.hits.tolist() == [0, 1]


def test_equal_beginnings_with_other_ends_are_told_apart(tmp_path):
    start = sequence(40, seed=7)
    genome = one_genome(tmp_path, a=start + "A" * 10 + start + "C" * 10)
    located = locate(encode([start + "A" * 10, start + "C" * 10, start + "G" * 10, start]), genome)
    assert located.hits.tolist() == [1, 1, 0, 2]


def test_pieces_of_a_long_record_miss_no_place(tmp_path, monkeypatch):
    monkeypatch.setattr("genolightning.genome.locate.BASES_AT_ONCE", 100)
    monkeypatch.setattr("genolightning.genome.locate.COMPARED_AT_ONCE", 500)
    genome = one_genome(tmp_path, a=(letters := sequence(1000, seed=8)), b="ACGT", c=sequence(150, seed=9))
    every = Intervals(np.repeat("a", 950), np.arange(950), np.arange(950) + 50)
    located = locate(genome.gather(every), genome)
    assert (located.intervals.start == np.arange(950)).all()
    assert len(letters) == 1000


def test_nothing_to_find_finds_nothing(genome):
    located = locate(Codes(np.array([4, 4], np.uint8), np.array([0, 2])), genome)
    assert (len(located.query), located.hits.tolist()) == (0, [0])
    assert set(genome.lengths) == set(tiny_genome())
