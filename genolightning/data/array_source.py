"""Rows of a split ready to be gathered: one `take` is one batch."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch, Tokens
from genolightning.data.augment import other_strand, reversed_targets, shift
from genolightning.data.encoded_split import Store
from genolightning.facts import NO_LABEL
from genolightning.genome.alphabet import Codes, N, Packed

DENSE_SHARE = 4  # a padded matrix may take this many times the bytes of the packed rows; beyond it rows stay packed
TOKENIZE_ROWS = 1024

Tokenize = Callable[[torch.Tensor, torch.Tensor], Tokens]


class Taken(NamedTuple):
    """The arrays of one batch, in numpy."""

    codes: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    target: NDArray[Any]
    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here


class TokenTable(NamedTuple):
    """The tokens of every row, right-padded."""

    ids: NDArray[np.int64]  # (rows, tokens)
    counts: NDArray[np.int64]  # (rows,), up to the last real token
    mask: NDArray[np.bool_]
    spans: NDArray[np.int64]  # (rows, tokens, 2)


class Servable(Protocol):
    """What a loader deals out: rows that lie in memory, on a device, or in a genome."""

    rows: int  # of an epoch
    strands: bool  # rows n..2n-1 are the other strands
    resolution_bp: int | None

    @property
    def lengths(self) -> NDArray[np.int64]:
        """True length of every row."""

    def at_epoch(self, epoch: int) -> "Servable":
        """The rows of an epoch, where they are not always the same."""

    def serve(self, rows: NDArray[np.int64], by: NDArray[np.int64] | None = None) -> Batch:
        """One batch; row i moved by `by[i]` bases to the left where `by` is given."""


class Table:
    """Some rows of a store, cropped where asked; with `strands`, rows n..2n-1 are the other strands of rows 0..n-1.

    Holding both strands makes reverse-complement augmentation one addition to a row number.
    """

    def __init__(
        self,
        store: Store,
        rows: NDArray[np.int64] | None = None,
        *,
        crop_bp: int | None = None,
        strands: bool = False,
        resolution_bp: int | None = None,
    ) -> None:
        lengths = store.lengths()
        target: NDArray[Any] = store.target
        index = store.index
        codes = store.codes
        if rows is not None:
            codes, lengths, target, index = _rows(codes, rows), lengths[rows], target[rows], index[rows]
        if crop_bp is not None and len(lengths) and lengths.max() > crop_bp:
            codes, lengths = _crop(codes, crop_bp), lengths.clip(max=crop_bp)
            if resolution_bp:
                target = target[:, : -(-crop_bp // resolution_bp)]
        self.rows = len(lengths)
        self.strands = strands
        self.resolution_bp = resolution_bp
        if strands:
            turned = reversed_targets(target, lengths, resolution_bp) if resolution_bp else target
            codes = _stack(codes, other_strand(codes))
            target, lengths, index = (
                np.concatenate(pair) for pair in ((target, turned), (lengths, lengths), (index, index))
            )
        self.even = not isinstance(codes, Packed)
        if isinstance(codes, Packed) and len(lengths) * lengths.max() <= DENSE_SHARE * len(codes.values):
            codes = dense(codes)
        self.codes: Codes = codes
        self.lengths, self.target, self.index = lengths, target, index
        self.tokens: TokenTable | None = None

    def at_epoch(self, epoch: int) -> "Table":
        """The same rows in every epoch."""
        return self

    def serve(self, rows: NDArray[np.int64], by: NDArray[np.int64] | None = None) -> Batch:
        """One batch; row i moved by `by[i]` bases to the left where `by` is given."""
        taken = self.take(rows)
        codes, target = taken.codes, taken.target
        if by is not None:
            codes = shift(codes, by, N, taken.lengths)
            target = shift(target, by, fill_of(target), taken.lengths) if self.resolution_bp else target
        return Batch(
            torch.from_numpy(codes),
            torch.from_numpy(taken.lengths),
            torch.from_numpy(target),
            torch.from_numpy(taken.index),
            self.take_tokens(rows),
        )

    def take(self, rows: NDArray[np.int64]) -> Taken:
        """Gather rows; the batch is as long as its longest row, padded with 4 on the right."""
        lengths = self.lengths.take(rows)
        if isinstance(self.codes, Packed):
            codes = _gather_packed(self.codes, rows, lengths)
        else:
            codes = self.codes.take(rows, 0)
            if not self.even:
                codes = codes[:, : lengths.max()]
        target = self.target.take(rows, 0)
        if self.resolution_bp:
            target = target[:, : -(-codes.shape[1] // self.resolution_bp)]
        return Taken(codes, lengths, target, self.index.take(rows))

    def tokenize(self, tokenize: Tokenize) -> None:
        """Cut every row into tokens once."""
        parts = []
        for first in range(0, len(self.lengths), TOKENIZE_ROWS):
            taken = self.take(np.arange(first, min(first + TOKENIZE_ROWS, len(self.lengths))))
            parts.append(tokenize(torch.from_numpy(taken.codes), torch.from_numpy(taken.lengths)))
        most = max(part.ids.shape[1] for part in parts)

        def joined(name: str, fill: int | bool) -> NDArray[Any]:
            arrays = [getattr(part, name).numpy() for part in parts]
            padded = [_widen(array, most, fill) for array in arrays]
            return np.concatenate(padded)

        mask = joined("mask", False)
        counts = most - np.argmax(mask[:, ::-1], axis=1)
        self.tokens = TokenTable(joined("ids", 0), counts, mask, joined("spans", -1))

    def take_tokens(self, rows: NDArray[np.int64]) -> Tokens | None:
        """The tokens of the same rows, as long as the batch's longest."""
        if self.tokens is None:
            return None
        most = int(self.tokens.counts.take(rows).max())
        ids, mask, spans = (
            array.take(rows, 0)[:, :most] for array in (self.tokens.ids, self.tokens.mask, self.tokens.spans)
        )
        return Tokens(torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(spans))


def dense(codes: Packed) -> NDArray[np.uint8]:
    """Packed rows as one matrix, padded with 4 on the right.

    >>> dense(Packed(np.array([0, 1, 2], np.uint8), np.array([0, 1, 3]))).tolist()
    [[0, 4], [1, 2]]
    """
    lengths = np.diff(codes.offsets)
    matrix = np.full((len(lengths), int(lengths.max(initial=0))), N, np.uint8)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = codes.values
    return matrix


def fill_of(target: NDArray[Any]) -> float:
    """The value that says "no label" in targets of this type."""
    return float("nan") if target.dtype.kind == "f" else NO_LABEL


def _gather_packed(codes: Packed, rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    column = np.arange(lengths.max(initial=0))
    real = column < lengths[:, None]
    where = np.where(real, codes.offsets.take(rows)[:, None] + column, 0)
    return np.where(real, codes.values.take(where), np.uint8(N))


def _rows(codes: Codes, rows: NDArray[np.int64]) -> Codes:
    if not isinstance(codes, Packed):
        return codes[rows]
    lengths = np.diff(codes.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    where = np.repeat(codes.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Packed(codes.values[where], offsets)


def _crop(codes: Codes, length: int) -> Codes:
    if not isinstance(codes, Packed):
        return codes[:, :length]
    lengths = np.diff(codes.offsets)
    keep = np.arange(codes.offsets[-1]) - np.repeat(codes.offsets[:-1], lengths) < length
    return Packed(codes.values[keep], np.concatenate([[0], np.cumsum(lengths.clip(max=length))]))


def _stack(first: Codes, second: Codes) -> Codes:
    if isinstance(first, Packed) and isinstance(second, Packed):
        offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
        return Packed(np.concatenate([first.values, second.values]), offsets)
    return np.concatenate([first, second])


def _widen(array: NDArray[Any], width: int, fill: int | bool) -> NDArray[Any]:
    wide = np.full((array.shape[0], width, *array.shape[2:]), fill, array.dtype)
    wide[:, : array.shape[1]] = array
    return wide
