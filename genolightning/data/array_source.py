"""Rows of an encoded split as batches, gathered from its memory map: no large copy is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.data.augment import no_label, permute_classes, reverse_targets, shift
from genolightning.data.batch_source import Tokenize
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.token_cache import TokenCache, tokenize_rows
from genolightning.data.window_gather import gather_windows
from genolightning.genome.alphabet import N

COPY_BYTES = 1 << 28  # splits up to this size are copied as they are served, which gathers faster
PADDED_SHARE = 4  # a padded copy may take this many times the bytes of its rows


@dataclass(frozen=True, slots=True)
class RowArrays:
    """The arrays of some rows, in numpy."""

    codes: NDArray[np.uint8]  # (rows, longest), padded with 4 on the right
    lengths: NDArray[np.int64]  # (rows,)
    target: NDArray[Any]  # as in `Batch`
    index: NDArray[np.int64]  # (rows,)

    def take(self, rows: NDArray[np.int64]) -> "RowArrays":
        """Some of the rows, int64 (batch,); codes and target keep their widths."""
        return RowArrays(
            self.codes.take(rows, 0), self.lengths.take(rows), self.target.take(rows, 0), self.index.take(rows)
        )

    @property
    def nbytes(self) -> int:
        """Memory of all four arrays in bytes."""
        return self.codes.nbytes + self.lengths.nbytes + self.target.nbytes + self.index.nbytes


class ArraySource:
    """Some rows of an encoded split, cropped or not; with `strands`, row `rows + i` is the other strand of row i.

    `rows` are row numbers of the split, int64 (n,), None for all. A small split is copied into one padded matrix with
    both its strands. Of a large one only row numbers and lengths are held: each batch is gathered from the memory map,
    and the other strand is made then. `reverse_complement` is what class i becomes on the other strand (see `Facts`).
    """

    def __init__(
        self,
        split: EncodedSplit,
        rows: NDArray[np.int64] | None = None,
        *,
        crop_bp: int | None = None,
        strands: bool = False,
        resolution_bp: int | None = None,
        reverse_complement: Sequence[int] | None = None,
    ) -> None:
        self._split, self._row = split, rows
        self.strands, self.resolution_bp, self.reverse_complement = strands, resolution_bp, reverse_complement
        lengths = split.lengths()
        lengths = lengths if rows is None else lengths[rows]
        cropped = crop_bp is not None and bool((lengths > crop_bp).any())
        self.lengths: NDArray[np.int64] = np.minimum(lengths, crop_bp) if cropped and crop_bp else lengths
        self.index: NDArray[np.int64] = split.index if rows is None else split.index[rows]
        self.rows = len(lengths)
        self.tokens: TokenCache | None = None
        self._matrix = split.codes.even
        self._bins = -(-crop_bp // resolution_bp) if cropped and crop_bp and resolution_bp else None
        self._copy: RowArrays | None = None
        if self._matrix and rows is None and not cropped and not strands:
            self._copy = RowArrays(split.codes.padded(), lengths, split.target, split.index)
        elif self._worth_copying():
            self._copy = self._gathered(np.arange(self.strand_rows))

    @property
    def equal_lengths(self) -> bool:
        """Whether batches may be cut from one larger gather: rows of a matrix, without tokens."""
        return self._matrix and self.tokens is None

    @property
    def strand_rows(self) -> int:
        """Row numbers that can be gathered: twice the rows with both strands."""
        return self.rows * (2 if self.strands else 1)

    @property
    def target(self) -> NDArray[Any]:
        """The targets of all rows on their own strand, (rows, ...), in table order."""
        if self._copy is not None:
            return self._copy.target[: self.rows]
        return self._targets(np.arange(self.rows))

    @property
    def nbytes(self) -> int:
        """Memory that all rows take when copied into padded arrays, on both strands where there are both, in bytes."""
        if self._copy is not None:
            arrays = self._copy.nbytes
        else:
            row = int(self.lengths.max(initial=0)) + 16 + self._split.target[:1].nbytes
            arrays = self.strand_rows * row
        return arrays + (self.tokens.nbytes if self.tokens else 0)

    def at_epoch(self, epoch: int) -> "ArraySource":
        """The same rows in every epoch."""
        return self

    def gather(self, rows: NDArray[np.int64], shift_bp: NDArray[np.int64] | None = None) -> Batch:
        """Gather one batch; a shift moves bases and their labels within their row, and leaves N and "no label"."""
        arrays = self.row_arrays(rows)
        codes, target = arrays.codes, arrays.target
        if shift_bp is not None:
            codes = shift(codes, shift_bp, N, arrays.lengths)
            target = shift(target, shift_bp, no_label(target), arrays.lengths) if self.resolution_bp else target
        return Batch(
            torch.from_numpy(codes),
            torch.from_numpy(arrays.lengths),
            torch.from_numpy(target),
            torch.from_numpy(arrays.index),
            None if self.tokens is None else self.tokens.gather(rows),
        )

    def row_arrays(self, rows: NDArray[np.int64]) -> RowArrays:
        """The arrays of rows, int64 (batch,), as long as the longest of them, padded with 4 on the right."""
        if self._copy is None:
            return self._gathered(rows)
        arrays = self._copy.take(rows)
        return arrays if self._matrix else self._trimmed(arrays)

    def tokenize(self, tokenize: Tokenize) -> None:
        """Tokenize every row once; batches then hold their tokens."""
        self.tokens = tokenize_rows(self, tokenize)

    def _worth_copying(self) -> bool:
        padded = self.rows * int(self.lengths.max(initial=0))
        return self.nbytes <= COPY_BYTES and padded <= PADDED_SHARE * int(self.lengths.sum())

    def _trimmed(self, arrays: RowArrays) -> RowArrays:
        longest = int(arrays.lengths.max(initial=0))
        target = arrays.target
        if self.resolution_bp:
            target = target[:, : -(-longest // self.resolution_bp)]
        return RowArrays(arrays.codes[:, :longest], arrays.lengths, target, arrays.index)

    def _gathered(self, rows: NDArray[np.int64]) -> RowArrays:
        """Gather rows from the split itself."""
        row = rows % self.rows if self.strands else rows
        backward = rows >= self.rows if self.strands else None
        own = row if self._row is None else self._row[row]
        lengths = self.lengths.take(row)
        longest = int(lengths.max(initial=0))
        codes = self._split.codes
        if not codes.even:
            first = codes.offsets.take(own)
            # the other strand of a shorter row begins at its last base, so its window ends there
            start = first if backward is None else first - np.where(backward, longest - lengths, 0)
            gathered = gather_windows(codes.values, start, longest, (first, first + lengths), backward)
        else:
            width = codes.padded().shape[1]
            gathered = gather_windows(codes.values, own * width, longest, None, backward)
        target = self._targets(rows)
        if self.resolution_bp and not self._matrix:
            target = target[:, : -(-longest // self.resolution_bp)]
        return RowArrays(gathered, lengths, target, self.index.take(row))

    def _targets(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        row = rows % self.rows if self.strands else rows
        target: NDArray[Any] = self._split.target.take(row if self._row is None else self._row[row], 0)
        if self._bins is not None:
            target = target[:, : self._bins]
        if not self.strands or not (self.resolution_bp or self.reverse_complement):
            return target
        backward = np.flatnonzero(rows >= self.rows)
        turned = target[backward]
        if self.resolution_bp:
            turned = reverse_targets(turned, self.lengths.take(row[backward]), self.resolution_bp)
        if self.reverse_complement:
            turned = permute_classes(
                turned, self.reverse_complement, by_column=turned.ndim == (3 if self.resolution_bp else 2)
            )
        target[backward] = turned
        return target
