"""Baselines follow their definitions, ties and all."""

import numpy as np
import pytest

from genolightning.benchmarks.audit.shortcuts import (
    base_frequencies,
    composition_logistic,
    interval_lookup,
    kmer_frequencies,
    kmer_logistic,
    length_majority,
    nearest_kmer_neighbour,
)
from genolightning.genome.codes import Codes, encode
from genolightning.genome.intervals import Intervals
from tests.helpers.make import sequence


def intervals(*rows: tuple[str, int, int], strand: str = "+") -> Intervals:
    chrom, start, end = zip(*rows, strict=True)
    return Intervals(chrom, start, end, [strand] * len(rows))


def slow_look_up(train: Intervals, target: np.ndarray, test: Intervals) -> list[int]:
    def shared(one: Intervals, i: int, other: Intervals, j: int) -> int:
        return (one.chrom[i] == other.chrom[j]) * max(
            0, min(one.end[i], other.end[j]) - max(one.start[i], other.start[j])
        )

    rows = range(len(train))
    alone = [i for i in rows if not any(shared(train, i, train, j) for j in rows if j != i)]
    votes = target[alone] if alone else target
    fallback = min(set(votes.tolist()), key=lambda label: (-(votes == label).sum(), label))
    answers = []
    for q in range(len(test)):
        most = max(shared(test, q, train, j) for j in rows)
        best = [int(target[j]) for j in rows if shared(test, q, train, j) == most]
        answers.append(min(best) if most else fallback)
    return answers


@pytest.mark.parametrize("seed", range(6))
def test_look_up_agrees_with_its_definition(seed):
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 60 * (seed + 1), (2, 40))
    chrom, length = rng.choice(["chr1", "chr2"], (2, 40)), rng.choice([5, 5, 10, 90], (2, 40))
    train, test = (Intervals(chrom[i], start[i], start[i] + length[i]) for i in (0, 1))
    target = rng.integers(0, 3, 40)
    assert interval_lookup(train, target, test).tolist() == slow_look_up(train, target, test)


def test_look_up_ignores_strands():
    train = intervals(("a", 0, 10), ("a", 50, 60), strand="-")
    assert interval_lookup(train, np.array([1, 0]), intervals(("a", 5, 12), ("a", 59, 70))).tolist() == [1, 0]


def test_a_row_that_meets_none_is_guessed_from_the_training_rows_that_are_alone():
    train = intervals(("a", 0, 10), ("a", 5, 15), ("a", 8, 20), ("b", 0, 10))
    assert interval_lookup(train, np.array([0, 0, 0, 1]), intervals(("c", 0, 5))).tolist() == [1]


def test_length_takes_the_majority_of_that_length_and_the_shorter_neighbour_on_a_tie():
    train, target = np.array([10, 10, 10, 20, 30, 30]), np.array([1, 1, 0, 2, 1, 0])
    asked = np.array([10, 20, 30, 15, 16, 1, 99])
    assert length_majority(train, target, asked).tolist() == [1, 2, 0, 1, 2, 1, 0]


def test_composition_tells_gc_rich_from_at_rich_rows():
    rows = encode([sequence(50, seed=n, letters="ACGT" + "GC" * (n % 2)) for n in range(80)])
    target = np.arange(80) % 2
    score = composition_logistic(rows.take(np.arange(60)), target[:60], rows.take(np.arange(60, 80)))
    assert score.shape == (20, 2)
    assert ((score.argmax(axis=1) == target[60:]).mean()) > 0.75


def test_base_frequencies_are_shares_and_n_counts_for_none():
    rows = base_frequencies(Codes(encode(["ACGTN" * 3])[0][:13], np.array([0, 5, 13])))
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert rows[0].tolist() == [0.25] * 4


def test_kmers_of_rows_are_not_made_across_rows_or_over_n():
    packed = Codes(encode(["ACGTACNGT"])[0], np.array([0, 4, 9]))
    table = kmer_frequencies(packed, 2).toarray()
    words = ["".join(("ACGT"[n // 4], "ACGT"[n % 4])) for n in range(16)]
    assert {word for word, share in zip(words, table[0], strict=True) if share} == {"AC", "CG", "GT"}
    assert {word for word, share in zip(words, table[1], strict=True) if share} == {"AC", "GT"}
    assert table.sum(axis=1) == pytest.approx([1, 1])


@pytest.mark.parametrize("model", [kmer_logistic, nearest_kmer_neighbour])
def test_kmer_models_find_a_planted_word(model):
    rows = [sequence(40, seed=n) + ("GATTACAGATTACA" if n % 2 else sequence(14, seed=n + 999)) for n in range(120)]
    target = np.arange(120) % 2
    answer = model(encode(rows[:80]), target[:80], encode(rows[80:]), k=4)
    chosen = answer if answer.ndim == 1 else answer.argmax(axis=1)
    assert (chosen == target[80:]).mean() > 0.85
