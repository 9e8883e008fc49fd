"""Baselines worth beating, and any score by how similar a test row is to its nearest training row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.audit.leakage import nearest_in_train, sequence_groups
from genolightning.benchmarks.audit.near_duplicates import BINS
from genolightning.benchmarks.audit.published_rows import read_published_rows
from genolightning.benchmarks.audit.shortcuts import kmer_logistic, nearest_kmer_neighbour
from genolightning.benchmarks.base import Benchmark
from genolightning.errors import UserError

Rows = NDArray[np.int64]


def kmer_baselines(benchmark: Benchmark, train: Rows, test: Rows, *, k: int = 6) -> dict[str, dict[str, Any]]:
    """Accuracy of k-mer regression and of the nearest neighbour on k-mers: `all` rows, then by similarity to train.

    Takes row numbers of the published rows end to end. Each entry holds `rows`, `logistic`, `neighbour` (None where it
    has no row). Raises UserError where bases or classes are missing.
    """
    rows = read_published_rows(benchmark)
    if rows.codes is None or rows.target is None:
        reason = rows.notes[0] if rows.notes else "its rows have no single class"
        raise UserError(f"{benchmark.name}: k-mer baselines need bases and classes ({reason}); leave --baselines out")
    known, asked = rows.codes.take(train), rows.codes.take(test)
    true, learned = rows.target[test], rows.target[train]
    similarity = nearest_in_train(rows, train, test, sequence_groups(rows))
    right = {
        "logistic": kmer_logistic(known, learned, asked, k=k).argmax(axis=1) == true,
        "neighbour": nearest_kmer_neighbour(known, learned, asked, k=k) == true,
    }
    tables = {name: by_similarity(one, similarity) for name, one in right.items()}
    return {
        low: {"rows": count, "logistic": tables["logistic"][low][1], "neighbour": tables["neighbour"][low][1]}
        for low, (count, _) in tables["logistic"].items()
    }


def by_similarity(score: NDArray[Any], similarity: NDArray[np.float64]) -> dict[str, tuple[int, float | None]]:
    """Rows and mean score of `all` test rows, of those similar to `none`, and of each similarity bin by its lower end.

    >>> by_similarity(np.array([1, 0, 1]), np.array([0, 0.97, 1.0]))["0.95"]
    (1, 0.0)
    """
    place = np.searchsorted(BINS, similarity, "right")
    table: dict[str, tuple[int, float | None]] = {"all": (len(score), float(np.mean(score)) if len(score) else None)}
    for number, low in enumerate(["none", *(f"{low:.2f}" for low in BINS)]):
        members = score[place == number]
        table[low] = (len(members), float(np.mean(members)) if len(members) else None)
    return table
