"""The audit of a split: repeated rows, overlaps, near-duplicates, and baselines that must not work.

Sources: Whalen et al., Nat. Rev. Genet. 23:169, 2022; Kapoor & Narayanan, Patterns 4:100804, 2023; Rafi et al.,
hashFrag, bioRxiv 2025.01.22.634321.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.audit.near_duplicates import BINS, exact_duplicates, near_duplicate_pairs
from genolightning.benchmarks.audit.published_rows import PublishedRows, read_published_rows
from genolightning.benchmarks.audit.shortcuts import (
    composition_logistic,
    interval_lookup,
    length_majority,
    majority_class,
)
from genolightning.benchmarks.base import Benchmark
from genolightning.genome.intervals import Intervals
from genolightning.genome.overlaps import cluster_overlapping, count_overlaps, linearize, reciprocal_overlap
from genolightning.statistics.metrics import auroc

LEAKY_GAIN, LEAKY_SHARE = 0.10, 0.10
SUSPECT_GAIN, SUSPECT_SHARE = 0.03, 0.01

Mask = NDArray[np.bool_]


class Audit(NamedTuple):
    """An audit's result. Shares are of test rows, 0 to 1; None is "cannot be computed here", explained in `notes`."""

    dataset: str
    split: str  # the id of the split
    rows: dict[str, int]
    verdict: str  # leaky | suspect | clean
    reasons: list[str]
    majority_accuracy: float | None
    lookup_accuracy: float | None
    length_accuracy: float | None
    composition_auc: float | None
    test_exact: float  # the sequence or its reverse complement is in train (without bases: the same interval)
    test_overlap: float | None  # shares a base with a training interval, strand and class ignored
    test_overlap_half: float | None  # half of both
    test_near: float | None  # at least 80 % identical to a training sequence, equal ones included
    duplicates_train: int  # rows that repeat an earlier row of the split
    duplicates_test: int
    cross_split_duplicates: int  # distinct sequences that occur in both splits
    conflicting_labels: int | None  # distinct sequences in both splits that do not have one and the same label
    conflicting_train: int | None  # distinct sequences with several labels inside train
    conflicting_test: int | None
    similarity_to_train: dict[str, float] | None  # similarity of the nearest training sequence -> share of test rows
    by_class: dict[str, dict[str, Any]]
    notes: list[str]


def audit(
    benchmark: Benchmark,
    *,
    train: NDArray[np.int64] | None = None,
    test: NDArray[np.int64] | None = None,
    split: str = "original",
    near: bool = True,
) -> Audit:
    """Audit the published split, or another one given as row numbers of the published train and test rows end to end.

    Intervals are compared without a genome; sequences are compared where bases are available. `near=False` skips the
    search for near-duplicates. Raises UserError for a benchmark without a test file, BadTable for a faulty file.
    """
    rows = read_published_rows(benchmark)
    train = np.flatnonzero(~rows.test) if train is None else train
    test = np.flatnonzero(rows.test) if test is None else test
    return audit_rows(rows, train, test, name=benchmark.name, split=split, near=near)


def audit_rows(
    rows: PublishedRows, train: NDArray[np.int64], test: NDArray[np.int64], *, name: str, split: str, near: bool = True
) -> Audit:
    """Audit a split of rows that are already read; `train` and `test` are row numbers of `rows`, int64 (n,)."""
    group = sequence_groups(rows)
    repeats = np.isin(group[test], group[train])
    overlap = half = None
    if rows.intervals is not None:
        train_line, test_line = linearize(rows.intervals[train], rows.intervals[test])
        overlap, half = count_overlaps(test_line, train_line) > 0, reciprocal_overlap(test_line, train_line)
    similarity = nearest_in_train(rows, train, test, group) if near and rows.codes is not None else None
    scores = _baselines(rows, train, test)
    found = _duplicates(rows, group, train, test)
    leaked = repeats if overlap is None else repeats | overlap
    constant = 1.0 if rows.target is None else float(np.bincount(rows.target[test]).max() / len(test))
    verdict, reasons = leakage_verdict(scores, constant, float(np.mean(leaked)))
    return Audit(
        dataset=name,
        split=split,
        rows={"train": len(train), "test": len(test)},
        verdict=verdict,
        reasons=reasons,
        **scores,
        test_exact=float(np.mean(repeats)),
        test_overlap=_share(overlap),
        test_overlap_half=_share(half),
        test_near=None if similarity is None else float(np.mean(similarity > 0)),
        **found,
        similarity_to_train=None if similarity is None else _binned(similarity),
        by_class=_by_class(
            rows, train, test, {"test_exact": repeats, "test_overlap": overlap, "test_overlap_half": half}
        ),
        notes=rows.notes,
    )


def sequence_groups(rows: PublishedRows) -> NDArray[np.int64]:
    """A number for each distinct sequence, (rows,), strand ignored; without bases, for each distinct interval."""
    if rows.codes is not None:
        return exact_duplicates(rows.codes).group
    assert rows.intervals is not None, "a benchmark has bases or intervals"
    (line,) = linearize(rows.intervals)
    places = np.stack([line.start, line.end], axis=1)
    return np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)


def nearest_in_train(
    rows: PublishedRows, train: NDArray[np.int64], test: NDArray[np.int64], group: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The similarity of each test row to its nearest training row, (test rows,); 0 where none reaches .8."""
    assert rows.codes is not None, "similarity needs bases"
    used, first = np.unique(group[np.concatenate([train, test])], return_index=True)
    pairs = near_duplicate_pairs(rows.codes.take(np.concatenate([train, test])[first]))
    in_train = np.isin(used, group[train])
    best = np.where(in_train, 1.0, 0.0)
    for one, other in ((pairs.first, pairs.second), (pairs.second, pairs.first)):
        known = in_train[other]
        np.maximum.at(best, one[known], pairs.similarity[known])
    nearest: NDArray[np.float64] = best[np.searchsorted(used, group[test])]
    return nearest


def leakage_verdict(scores: dict[str, float | None], constant: float, leaked: float) -> tuple[str, list[str]]:
    """The verdict and its reasons, from the scores of the baselines that must not work.

    `constant` is the accuracy of the best constant answer (a re-split may leave the majority class of train in the
    minority of test), `leaked` the share of test rows that repeat or overlap a training row.

    >>> leakage_verdict({"length_accuracy": 0.6}, constant=0.5, leaked=0.0)
    ('leaky', ['the length of the sequence alone: accuracy 0.600, the majority class 0.500'])
    """
    leaky: list[str] = []
    suspect: list[str] = []
    for key, name, floor, what in (
        ("lookup_accuracy", "look-up of overlapping training intervals: accuracy", constant, "the majority class"),
        ("length_accuracy", "the length of the sequence alone: accuracy", constant, "the majority class"),
        ("composition_auc", "base composition alone: AUROC", 0.5, "chance"),
    ):
        score = scores.get(key)
        gain = 0.0 if score is None else round(score - floor, 9)  # .6 - .5 falls short of .1 in binary
        if gain >= SUSPECT_GAIN:
            (leaky if gain >= LEAKY_GAIN else suspect).append(f"{name} {score:.3f}, {what} {floor:.3f}")
    if leaked >= SUSPECT_SHARE:
        worse = leaky if leaked >= LEAKY_SHARE else suspect
        worse.append(f"{leaked:.2%} of the test rows repeat or overlap a training row")
    return "leaky" if leaky else "suspect" if suspect else "clean", leaky + suspect


def _baselines(rows: PublishedRows, train: NDArray[np.int64], test: NDArray[np.int64]) -> dict[str, Any]:
    scores: dict[str, Any] = dict.fromkeys(
        ("majority_accuracy", "lookup_accuracy", "length_accuracy", "composition_auc")
    )
    if rows.target is None:
        return scores
    train_target, true = rows.target[train], rows.target[test]
    scores["majority_accuracy"] = float(np.mean(true == majority_class(train_target)))
    scores["length_accuracy"] = float(
        np.mean(true == length_majority(rows.lengths[train], train_target, rows.lengths[test]))
    )
    if rows.intervals is not None:
        scores["lookup_accuracy"] = float(
            np.mean(true == interval_lookup(rows.intervals[train], train_target, rows.intervals[test]))
        )
    if rows.codes is not None and len(np.unique(train_target)) > 1:
        score = composition_logistic(rows.codes.take(train), train_target, rows.codes.take(test))
        judged = [k for k in range(score.shape[1]) if 0 < np.sum(true == k) < len(true)]
        if score.shape[1] == 2:
            judged = judged[-1:]
        scores["composition_auc"] = float(np.mean([auroc(true == k, score[:, k]) for k in judged])) if judged else None
    return scores


def _duplicates(
    rows: PublishedRows, group: NDArray[np.int64], train: NDArray[np.int64], test: NDArray[np.int64]
) -> dict[str, Any]:
    here, there = np.unique(group[train]), np.unique(group[test])
    both = np.intersect1d(here, there)
    conflicts: dict[str, int | None] = dict.fromkeys(("conflicting_labels", "conflicting_train", "conflicting_test"))
    if rows.target is not None:
        conflicting = _conflicting(group, rows.target, np.concatenate([train, test]))
        conflicts["conflicting_labels"] = len(np.intersect1d(conflicting, both))
        conflicts["conflicting_train"] = len(_conflicting(group, rows.target, train))
        conflicts["conflicting_test"] = len(_conflicting(group, rows.target, test))
    return {
        "duplicates_train": len(train) - len(here),
        "duplicates_test": len(test) - len(there),
        "cross_split_duplicates": len(both),
        **conflicts,
    }


def _conflicting(group: NDArray[np.int64], target: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups whose rows have more than one label."""
    labelled = np.unique(np.stack([group[rows], target[rows]], axis=1), axis=0)[:, 0]
    return np.unique(labelled[1:][labelled[1:] == labelled[:-1]])


def _by_class(
    rows: PublishedRows, train: NDArray[np.int64], test: NDArray[np.int64], marks: dict[str, Mask | None]
) -> dict[str, dict[str, Any]]:
    if rows.target is None:
        return {}
    table = {}
    for number, label in enumerate(rows.classes):
        here, there = rows.target[train] == number, rows.target[test] == number
        table[label] = {
            "train": int(here.sum()),
            "test": int(there.sum()),
            **{
                key: None if mark is None or not there.any() else float(mark[there].mean())
                for key, mark in marks.items()
            },
            "loci": _loci(rows.intervals, np.concatenate([train[here], test[there]])),
        }
    return table


def _loci(intervals: Intervals | None, rows: NDArray[np.int64]) -> int | None:
    """How many stretches are left when overlapping intervals are merged."""
    if intervals is None:
        return None
    (line,) = linearize(intervals[rows])
    return int(cluster_overlapping(line).max(initial=-1)) + 1


def _binned(similarity: NDArray[np.float64]) -> dict[str, float]:
    """Similarity bins, written as their lower end, -> share of test rows; `none` below the first."""
    place = np.searchsorted(BINS, similarity, "right")
    shares = np.bincount(place, minlength=len(BINS) + 1) / max(len(similarity), 1)
    return dict(zip(["none", *(f"{low:.2f}" for low in BINS)], shares.tolist(), strict=True))


def _share(mark: Mask | None) -> float | None:
    return None if mark is None else float(np.mean(mark))
