"""Classical baselines: three that must not work (look-up, length, composition), two that are worth beating (k-mers).

Labels are class numbers, int64 (rows,), without gaps in the labelling; predictions are class numbers or, where
stated, probabilities (rows, classes) in float64.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.genome.overlaps import count_overlaps, linearize, overlaps

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Labels = NDArray[np.int64]


def majority_class(target: Labels) -> int:
    """The class with most rows, the earlier on a tie.

    >>> majority_class(np.array([2, 1, 2, 1]))
    1
    """
    return int(np.bincount(target).argmax())


def interval_lookup(train: Intervals, target: Labels, test: Intervals) -> Labels:
    """Give each test row the class of the training interval it shares most bases with; it never sees a base.

    Strands are ignored, ties go to the earlier class. A row that meets no training interval gets the class most
    frequent among the training rows that meet no other training row (of all, where each meets another).
    """
    train_line, test_line = linearize(train, test)
    # the same interval twice changes nothing but the work; of its classes the earliest wins every tie
    order = np.lexsort((target, train_line.end, train_line.start))
    repeats = np.zeros(len(order), bool)
    repeats[1:] = (np.diff(train_line.start[order]) == 0) & (np.diff(train_line.end[order]) == 0)
    kept = order[~repeats]
    distinct = train_line._replace(start=train_line.start[kept], end=train_line.end[kept])
    classes = int(target.max()) + 1
    best = np.full(len(test), -1)
    for query, row, shared in overlaps(test_line, distinct):
        np.maximum.at(best, query, shared * classes + (classes - 1 - target[kept[row]]))
    alone = count_overlaps(train_line, train_line) == 1  # each meets itself
    fallback = majority_class(target[alone] if alone.any() else target)
    return np.where(best < 0, fallback, classes - 1 - best % classes)


def length_majority(train_bp: Labels, target: Labels, test_bp: Labels) -> Labels:
    """Give each test row the majority class of the training rows of exactly its length in bp.

    A length not seen in training takes the nearest that was, the shorter on a tie; ties of classes go to the earlier.

    >>> length_majority(np.array([5, 9, 9, 9]), np.array([1, 0, 2, 2]), np.array([7, 8, 100])).tolist()
    [1, 2, 2]
    """
    lengths, place = np.unique(train_bp, return_inverse=True)
    counts = np.zeros((len(lengths), int(target.max()) + 1), np.int64)
    np.add.at(counts, (place, target), 1)
    above = np.searchsorted(lengths, test_bp).clip(0, len(lengths) - 1)
    below = (above - 1).clip(0)
    shorter = np.abs(test_bp - lengths[below]) <= np.abs(lengths[above] - test_bp)
    chosen: Labels = counts.argmax(axis=1)[np.where(shorter, below, above)]
    return chosen


def base_frequencies(codes: Codes) -> NDArray[np.float64]:
    """The shares of A, C, G and T among a row's bases, (rows, 4); N counts for none, a row of N only is all zeros.

    >>> base_frequencies(Codes(np.array([[0, 0, 3, 4]], np.uint8))).round(2).tolist()
    [[0.67, 0.0, 0.0, 0.33]]
    """
    rows = np.repeat(np.arange(len(codes)), codes.lengths)
    counts = np.bincount(rows * 6 + codes.values, minlength=6 * len(codes)).reshape(-1, 6)[:, :4]
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def composition_logistic(train: Codes, target: Labels, test: Codes) -> NDArray[np.float64]:
    """Probabilities (test rows, classes) of a logistic regression on the four base frequencies."""
    return _logistic(base_frequencies(train), target, base_frequencies(test))


def kmer_logistic(train: Codes, target: Labels, test: Codes, *, k: int = 6) -> NDArray[np.float64]:
    """Probabilities (test rows, classes) of a logistic regression on the frequencies of k-mers, forward strand."""
    return _logistic(kmer_frequencies(train, k), target, kmer_frequencies(test, k))


def nearest_kmer_neighbour(train: Codes, target: Labels, test: Codes, *, k: int = 6) -> Labels:
    """The class of the training row whose k-mer frequencies have the highest cosine similarity; the first on a tie."""
    from sklearn.preprocessing import normalize

    train_frequencies, test_frequencies = normalize(kmer_frequencies(train, k)), normalize(kmer_frequencies(test, k))
    nearest = [
        np.asarray((test_frequencies[at : at + 256] @ train_frequencies.T).todense()).argmax(axis=1)
        for at in range(0, test_frequencies.shape[0], 256)
    ]
    chosen: Labels = target[np.concatenate(nearest)]
    return chosen


def kmer_frequencies(codes: Codes, k: int) -> "csr_matrix":
    """Frequency of each k-mer among all k-mers of a row, sparse (rows, 4**k); k-mers with N are left out."""
    from scipy.sparse import csr_matrix

    rows = len(codes)
    starts = np.arange(max(len(codes.values) - k + 1, 0))
    word = np.zeros(len(starts), np.int64)
    clean = np.ones(len(starts), bool)
    for place in range(k):
        base = codes.values[place : place + len(starts)]
        word = word * 4 + (base & 3)
        clean &= base < 4
    row = np.searchsorted(codes.offsets, starts, "right") - 1
    clean &= starts + k <= codes.offsets[row + 1]
    cell, count = np.unique(row[clean] * 4**k + word[clean], return_counts=True)
    total = np.maximum(np.bincount(row[clean], minlength=rows), 1)
    return csr_matrix((count / total[cell // 4**k], (cell // 4**k, cell % 4**k)), shape=(rows, 4**k))


def _logistic(train: Any, target: Labels, test: Any) -> NDArray[np.float64]:
    """Fit on columns of mean square 1 (so that the penalty means the same for every k) and predict."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(with_mean=isinstance(train, np.ndarray)), LogisticRegression(max_iter=1000))
    model.fit(train, target)
    known: NDArray[np.float64] = model.predict_proba(test)
    probabilities = np.zeros((known.shape[0], int(target.max()) + 1))
    probabilities[:, model.classes_] = known  # a class without a training row has probability 0
    return probabilities
