"""Scores of labels along a genome from counts per block, which add up over batches, processes and resumed runs.

Exact scoring keeps every base; counts keep a confusion matrix and histograms of the scores per block of the genome, so
memory does not grow with the number of bases. Accuracy, F1 and MCC are exact. AUROC and AUPRC come from 128 bins an
octave of the odds, which is within 1e-3 of the exact value down to a prevalence of .0005; bins even in p are not, for
all scores of a rare label fall into the first. Spearman's correlation needs ranks and is left out.

Intervals resample blocks, because neighbouring bases are not independent: a base is never a unit.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genolightning.facts import TargetKind
from genolightning.statistics.bootstrap import RESAMPLES, Array, Scorer, percentile_interval, replicates
from genolightning.statistics.estimate import Estimate
from genolightning.statistics.scored_items import Items
from genolightning.statistics.scorers import (
    class_scores_of_counts,
    correlation_of_sums,
    macro_scores,
    true_class_loss,
)

OCTAVES = 24  # odds from 2**-24 to 2**24; beyond them the first and the last bin
ODDS_BINS = 2 * OCTAVES * 128
COARSE = 12  # fine bins in one of a block's histogram
BLOCK_BP, MOST_BLOCKS, FEW_BLOCKS = 10_000, 1_000, 30


def odds_bin(p: NDArray[Any]) -> NDArray[np.int64]:
    """Bin probabilities by the upper 16 bits of the float32 odds p / (1 - p): any shape, int64 in 0..6143.

    >>> odds_bin(np.array([0.0, 0.5, 1.0])).tolist()
    [0, 3072, 6143]
    """
    probability = np.asarray(p, dtype=np.float32)
    with np.errstate(divide="ignore"):
        odds = probability / (1 - probability)
    top = np.nextafter(np.float32(2**OCTAVES), np.float32(0))
    bits = np.clip(odds, np.float32(2.0**-OCTAVES), top).view(np.uint32)
    return np.asarray((bits >> 16).astype(np.int64) - ((127 - OCTAVES) << 7))


def genome_blocks(lengths_bp: NDArray[np.int64], *, block_bp: int = BLOCK_BP) -> NDArray[np.int64]:
    """Put neighbouring rows into blocks: int64 (rows,) lengths in bp -> the block of each row, int64 (rows,).

    A block has `block_bp` bases or more, so that there are at most 1,000 blocks, and holds all of a row.

    >>> genome_blocks(np.array([4000, 4000, 4000, 4000, 4000])).tolist()
    [0, 0, 0, 1, 1]
    """
    start = np.cumsum(lengths_bp) - lengths_bp
    size = max(block_bp, -(-int(np.sum(lengths_bp)) // MOST_BLOCKS))
    return np.asarray(np.unique(start // size, return_inverse=True)[1], dtype=np.int64)


@dataclass(frozen=True)
class Counts:
    """Sums over scored items, by block. `first + second` are the counts of both, whatever their order.

    Integer counts add up exactly; `losses` and `moments` are float64 sums, equal up to rounding.
    """

    confusion: NDArray[np.int64]  # (blocks, outputs, classes, classes): [block, output, target, prediction]
    histogram: NDArray[np.int64]  # (labels, 2, 6144): [label, without or with it, bin of the odds]
    block_histogram: NDArray[np.uint32]  # (blocks, labels, 2, 512): coarser, for the interval alone
    losses: NDArray[np.float64]  # (blocks,) summed -log p of the truth, nats
    moments: NDArray[np.float64]  # (blocks, 8): n, x, y, xx, yy, xy of target and prediction, squared, absolute error

    @classmethod
    def zeros(cls, kind: TargetKind, num_classes: int, blocks: int) -> Self:
        """Counts of nothing: `num_classes` classes or labels (0 for regression), `blocks` blocks."""
        labels = 0 if kind.real_targets else 1 if kind.single_output else num_classes
        outputs = labels if kind.label_axis else min(labels, 1)
        classes = 2 if kind.label_axis else num_classes
        return cls(
            np.zeros((blocks, outputs, classes, classes), np.int64),
            np.zeros((labels, 2, ODDS_BINS), np.int64),
            np.zeros((blocks, labels, 2, ODDS_BINS // COARSE), np.uint32),
            np.zeros(blocks),
            np.zeros((blocks, 8)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def add(self, items: Items, block: NDArray[np.int64], *, center: float = 0.0) -> None:
        """Count a batch in place. `block` int64 (items,), best few and near each other.

        `center` is subtracted from regression targets and predictions; a value near their mean keeps sums accurate.
        """
        if not len(block):
            return
        low, high = int(block.min()), int(block.max()) + 1
        near = slice(low, high)
        if not self.histogram.size:
            self.moments[near] += _moments(items, block - low, high - low, center)
            return
        truth, p = _truth_of_labels(items, len(self.histogram))
        known = np.broadcast_to(truth >= 0, p.shape)
        rows, labels = np.nonzero(known)
        truths, bins = truth[known], odds_bin(p[known])
        cell = labels * 2 + truths
        self.histogram.reshape(-1)[:] += np.bincount(cell * ODDS_BINS + bins, minlength=self.histogram.size)
        coarse = (block[rows] - low) * (2 * len(self.histogram)) + cell
        part = self.block_histogram[near]
        bin_of_block = coarse * (ODDS_BINS // COARSE) + bins // COARSE
        part += np.bincount(bin_of_block, minlength=part.size).reshape(part.shape).astype(np.uint32)
        self.confusion[near] += self._confusions(items, block - low, high - low)
        scored, loss = _item_losses(items)
        self.losses[near] += np.bincount(block[scored] - low, weights=loss, minlength=high - low)

    def _confusions(self, items: Items, block: NDArray[np.int64], blocks: int) -> NDArray[np.int64]:
        _, outputs, classes, _ = self.confusion.shape
        prediction = items.prediction
        decided = prediction.argmax(1) if items.target.ndim == 1 and prediction.ndim == 2 else prediction > 0.5
        target, guess = (side.reshape(len(block), -1).astype(np.int64) for side in (items.target, decided))
        cell = (block[:, None] * outputs + np.arange(outputs)) * classes + target
        counts = np.bincount((cell * classes + guess)[target >= 0], minlength=blocks * outputs * classes**2)
        return counts.reshape(blocks, outputs, classes, classes)

    @property
    def items(self) -> NDArray[np.int64]:
        """Scored items of each block, int64 (blocks,); of several labels, items times labels."""
        counted = self.confusion.sum((1, 2, 3)) if self.histogram.size else self.moments[:, 0]
        return np.asarray(counted, dtype=np.int64)

    def auroc_error_bound(self) -> float:
        """How far binning can move an AUROC: half the pairs of either class in one bin, the largest of all labels."""
        totals = np.maximum(self.histogram.sum(2, keepdims=True), 1)
        shares = self.histogram / totals
        return float((shares[:, 0] * shares[:, 1]).sum(1).max(initial=0) / 2)


def _truth_of_labels(items: Items, labels: int) -> tuple[NDArray[np.int64], Array]:
    """Without or with each label, 0 or 1, -100 unknown, and its probability: (items, labels) each."""
    if items.target.ndim == 2:
        return items.target, items.prediction
    if labels == 1:
        p = items.prediction if items.prediction.ndim == 1 else items.prediction[:, 1]
        return items.target[:, None], p[:, None]
    return (items.target[:, None] == np.arange(labels)).astype(np.int64), items.prediction


def _item_losses(items: Items) -> tuple[NDArray[np.int64], Array]:
    """Item numbers and -log p of the truth, (known,) each; an item of several labels occurs once for each known one."""
    if items.target.ndim == 1:
        return np.arange(len(items.target)), true_class_loss(items.target, items.prediction)
    rows, columns = np.nonzero(items.target >= 0)
    return rows, true_class_loss(items.target[rows, columns], items.prediction[rows, columns])


def _moments(items: Items, block: NDArray[np.int64], blocks: int, center: float) -> Array:
    x, y = items.target - center, items.prediction - center
    error = y - x
    columns = [np.ones_like(x), x, y, x * x, y * y, x * y, error * error, np.abs(error)]
    return np.stack([np.bincount(block, weights=column, minlength=blocks) for column in columns], axis=1)


def evaluate_counts(
    kind: TargetKind, counts: Counts, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Estimate]:
    """Score counts: the scores that `evaluate` gives for the kind, each with a 95 % interval from resampled blocks.

    Blocks without items are left out; `unit` is "block". AUROC and AUPRC are computed from the fine histogram; how far
    they vary comes from the coarse ones of the blocks. NaN where a score does not exist.
    """
    kept = counts.items > 0
    once = np.ones((int(kept.sum()), 1))
    scorers = _scorers(kind, counts, kept)
    values = {name: float(value[0]) for scorer in scorers for name, value in scorer(once).items()}
    samples = replicates(scorers, len(once), seed=seed, resamples=resamples)
    if counts.histogram.size:
        fine = macro_scores([histogram_scores(one[None]) for one in counts.histogram])(np.ones((1, 1)))
        for name in ("auroc", "auprc"):
            samples[name] += float(fine[name][0]) - values[name]
            values[name] = float(fine[name][0])
    return {
        name: Estimate(value, *percentile_interval(value, samples[name]), "block") for name, value in values.items()
    }


def few_blocks(counts: Counts) -> str | None:
    """The warning that goes with intervals from fewer than 30 blocks; None where there are enough."""
    blocks = int((counts.items > 0).sum())
    if blocks >= FEW_BLOCKS:
        return None
    return f"intervals come from {blocks} blocks of the genome; below {FEW_BLOCKS} they are too narrow"


def _scorers(kind: TargetKind, counts: Counts, kept: NDArray[np.bool_]) -> list[Scorer]:
    """One scorer, of all scores of a kind, over the kept blocks."""
    if not counts.histogram.size:
        return [_number_scores(counts.moments[kept])]
    confusion, histogram = counts.confusion[kept], counts.block_histogram[kept]
    decided = macro_scores([confusion_scores(confusion[:, output]) for output in range(confusion.shape[1])])
    ranked = macro_scores([histogram_scores(histogram[:, label]) for label in range(histogram.shape[1])])
    items, losses = counts.items[kept].astype(np.float64), counts.losses[kept]
    hits = np.einsum("bokk->b", confusion).astype(np.float64)

    def score(weights: Array) -> dict[str, Array]:
        ranks, total = ranked(weights), items @ weights
        scores = decided(weights) | {"accuracy": hits @ weights / total} | ranks | {"loss": losses @ weights / total}
        if kind.exclusive_classes:
            del scores["prevalence"]
        return scores | ({"prevalence": ranks["prevalence"]} if kind.single_output else {})

    return [score]


def confusion_scores(confusion: NDArray[np.int64]) -> Scorer:
    """Accuracy, F1 and MCC of confusion matrices, int64 (blocks, classes, classes): [block, target, prediction]."""
    sums = [np.einsum("bkk->kb", confusion), confusion.sum(2).T, confusion.sum(1).T]
    per_block = np.concatenate(sums).astype(np.float64)
    return lambda weights: class_scores_of_counts(*(per_block @ weights).reshape(3, len(sums[0]), -1))


def histogram_scores(histogram: NDArray[Any]) -> Scorer:
    """AUROC, AUPRC and prevalence of binned scores: integers (blocks, 2, bins), negatives and positives, rising scores.

    Scores of one bin count as tied: half a pair each, and one step of the precision-recall curve.
    """
    blocks, _, bins = histogram.shape
    per_block = histogram.reshape(blocks, -1).T.astype(np.float64)

    def score(weights: Array) -> dict[str, Array]:
        negative, positive = (per_block @ weights).reshape(2, bins, -1)[:, ::-1]
        false, true = np.cumsum(negative, axis=0), np.cumsum(positive, axis=0)
        beaten = false[-1] - false + negative / 2
        precision = true / np.maximum(true + false, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "auroc": (positive * beaten).sum(0) / (true[-1] * false[-1]),
                "auprc": (positive * precision).sum(0) / true[-1],
                "prevalence": true[-1] / (true[-1] + false[-1]),
            }

    return score


def _number_scores(moments: Array) -> Scorer:
    def score(weights: Array) -> dict[str, Array]:
        *sums, squared, absolute = moments.T @ weights
        scores = correlation_of_sums(np.stack([*sums, squared]))
        return scores | {"mse": squared / sums[0], "mae": absolute / sums[0], "loss": squared / sums[0]}

    return score
