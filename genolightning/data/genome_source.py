"""Windows of a genome as batches: bases and labels are gathered from memory maps, and nothing is copied beforehand."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.benchmarks.labels import LabelSource
from genolightning.data.array_source import RowArrays
from genolightning.data.augment import no_label, permute_classes, shift
from genolightning.data.window_gather import gather_windows
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL
from genolightning.genome.alphabet import N
from genolightning.genome.reference import Genome

WIDE = {"i": np.int64, "u": np.int64, "b": np.int64, "f": np.float32}
Bounds = tuple[NDArray[np.int64], NDArray[np.int64]]  # first base of each window's chromosome, and one past its last


class GenomeSource:
    """Windows of `length_bp` over an encoded genome; with `strands`, row `rows + i` is the other strand of row i.

    `start` is where each window begins in `genome.codes`, (rows,); it is all that is held in memory. Windows marked in
    `backward`, bool (rows,), are read from the reverse strand. Without `labels` the target of a window is its own
    bases, as language models take them, -100 where a base is unknown. A shift moves a window along its chromosome, in
    reading direction and by whole bins; labels along the genome follow it, labels of a row do not. Bases beyond the
    ends of a chromosome are 4, and have no label. `epoch_start` gives the `start` of another epoch.
    """

    tokens = None

    def __init__(
        self,
        genome: Genome,
        start: NDArray[Any],
        length_bp: int,
        labels: LabelSource | None = None,
        *,
        strands: bool = False,
        backward: NDArray[np.bool_] | None = None,
        epoch_start: Callable[[int], NDArray[Any]] | None = None,
    ) -> None:
        self.genome, self.length_bp, self.labels, self.strands = genome, length_bp, labels, strands
        self.backward, self.epoch_start = backward, epoch_start
        self.resolution_bp = labels.resolution_bp if labels is not None else None
        if length_bp % (self.resolution_bp or 1):
            raise UserError(
                f"windows of {length_bp} bp are no multiple of their bins of {self.resolution_bp} bp, so the other "
                "strand has other bins; choose windows that are"
            )
        self._set_start(start)

    def _set_start(self, start: NDArray[Any]) -> None:
        fits = len(self.genome.codes) <= np.iinfo(np.uint32).max
        self.start: NDArray[Any] = start.astype(np.uint32 if fits else np.int64)
        self.rows = len(start)
        ends = self.genome.offsets
        self._all_inside = bool((start + self.length_bp <= ends[np.searchsorted(ends, start, "right")]).all())

    @property
    def equal_lengths(self) -> bool:
        """Every window is equally long, so one gather can be cut into several batches."""
        return True

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of every window, int64 (rows,); one number in memory."""
        return np.broadcast_to(np.int64(self.length_bp), self.rows)

    @property
    def index(self) -> NDArray[np.int64]:
        """Row numbers, int64 (rows,)."""
        return np.arange(self.rows)

    @property
    def target(self) -> NDArray[Any]:
        """The targets of all rows, (rows, ...), gathered at each access."""
        return self.row_arrays(self.index).target

    def at_epoch(self, epoch: int) -> "GenomeSource":
        """The windows of an epoch, where epochs have windows of their own."""
        if self.epoch_start is None:
            return self
        moved = copy.copy(self)
        moved._set_start(self.epoch_start(epoch))
        return moved

    def gather(self, rows: NDArray[np.int64], shift_bp: NDArray[np.int64] | None = None) -> Batch:
        """Gather rows, int64 (batch,), into one batch, moved by `shift_bp` bases; see `BatchSource.gather`."""
        arrays = self.row_arrays(rows, shift_bp)
        target = arrays.target.astype(WIDE[arrays.target.dtype.kind], copy=False)
        return Batch(
            torch.from_numpy(arrays.codes),
            torch.from_numpy(arrays.lengths),
            torch.from_numpy(target),
            torch.from_numpy(arrays.index),
        )

    def row_arrays(self, rows: NDArray[np.int64], shift_bp: NDArray[np.int64] | None = None) -> RowArrays:
        """The arrays of rows, int64 (batch,), shifted by `shift_bp`, int64 (batch,); targets keep their narrow type."""
        row = rows % self.rows if self.strands else rows
        other = rows >= self.rows
        backward = other if self.backward is None else other ^ self.backward[row]
        start = self.start[row].astype(np.int64)
        bounds = None
        if shift_bp is not None or not self._all_inside:
            number = np.searchsorted(self.genome.offsets, start, "right")
            bounds = self.genome.offsets[number - 1], self.genome.offsets[number]
        if shift_bp is not None:
            bins = shift_bp // (self.resolution_bp or 1) * (self.resolution_bp or 1)
            start = start + np.where(backward, -bins, bins)
        codes = gather_windows(self.genome.codes, start, self.length_bp, bounds, backward)
        if self.labels is None:
            target: NDArray[Any] = np.where(codes < N, codes.astype(np.int64), NO_LABEL)
        elif self.resolution_bp is None:
            target = _on_strand(self.labels.gather(start, self.length_bp, row), other, self.labels)
        else:
            target = _on_strand(self._labels_along(self.labels, start, row, bounds), backward, self.labels)
        return RowArrays(codes, np.full(len(rows), self.length_bp), target, row)

    def _labels_along(
        self, labels: LabelSource, start: NDArray[np.int64], row: NDArray[np.int64], bounds: Bounds | None
    ) -> NDArray[Any]:
        """Labels of bases or bins, on the forward strand; none where a bin is not wholly inside the chromosome."""
        if bounds is None:
            return labels.gather(start, self.length_bp, row)
        bin_bp = labels.resolution_bp or 1
        # windows are read inside the map only, moved by whole bins from the requested ones
        after = -(-(start - (len(self.genome.codes) - self.length_bp)).clip(0) // bin_bp)
        before = -(-((-start).clip(0)) // bin_bp)
        target = labels.gather(start + (before - after) * bin_bp, self.length_bp, row)
        count = target.shape[1]
        if (moved := np.flatnonzero(before != after)).size:
            lengths = np.full(len(moved), count)
            target[moved] = shift(target[moved], (after - before)[moved], no_label(target), lengths)
        first = start[:, None] + np.arange(count) * bin_bp
        target[(first < bounds[0][:, None]) | (first + bin_bp > bounds[1][:, None])] = no_label(target)
        return target


def _on_strand(target: NDArray[Any], backward: NDArray[np.bool_], labels: LabelSource) -> NDArray[Any]:
    """Targets (n, ...) of the forward strand, with those of rows in `backward`, bool (n,), as their strand has them."""
    if not backward.any() or not (labels.resolution_bp or labels.reverse_complement):
        return target
    turned = target[backward]
    if labels.resolution_bp:
        turned = turned[:, ::-1]
    if labels.reverse_complement:
        by_column = target.ndim == (3 if labels.resolution_bp else 2)
        turned = permute_classes(turned, labels.reverse_complement, by_column=by_column)
    target[backward] = turned
    return target
