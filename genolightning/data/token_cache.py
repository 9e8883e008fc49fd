"""Tokens of every row of a source, made once and served from memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Tokens
from genolightning.data.batch_source import BatchSource, Tokenize

ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class TokenCache:
    """The tokens of every row, padded on the right; rows of both strands where the source has both."""

    ids: NDArray[np.int64]  # (rows, tokens)
    mask: NDArray[np.bool_]  # (rows, tokens)
    spans: NDArray[np.int64]  # (rows, tokens, 2)
    counts: NDArray[np.int64]  # (rows,), tokens up to the last real one

    @property
    def nbytes(self) -> int:
        """Memory of all four arrays in bytes."""
        return self.ids.nbytes + self.mask.nbytes + self.spans.nbytes + self.counts.nbytes

    def longest(self, rows: NDArray[np.int64]) -> int:
        """The largest count of tokens among rows, int64 (batch,)."""
        return int(self.counts.take(rows).max())

    def gather(self, rows: NDArray[np.int64]) -> Tokens:
        """The tokens of rows, int64 (batch,), as long as the longest of them."""
        longest = self.longest(rows)
        ids, mask, spans = (array.take(rows, 0)[:, :longest] for array in (self.ids, self.mask, self.spans))
        return Tokens(torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(spans))


def tokenize_rows(source: BatchSource, tokenize: Tokenize) -> TokenCache:
    """Tokenize every row of a source, on both strands where it has them."""
    rows = source.rows * (2 if source.strands else 1)
    parts = []
    for first in range(0, rows, ROWS_AT_ONCE):
        batch = source.gather(np.arange(first, min(first + ROWS_AT_ONCE, rows)))
        parts.append(tokenize(batch.codes, batch.lengths))
    ids = _stacked([part.ids for part in parts], 0)
    mask = _stacked([part.mask for part in parts], False)
    spans = _stacked([part.spans for part in parts], -1)
    return TokenCache(ids, mask, spans, mask.shape[1] - np.argmax(mask[:, ::-1], axis=1))


def _stacked(parts: list[torch.Tensor], fill: int | bool) -> NDArray[Any]:
    """Parts (rows, tokens, ...) below each other, padded on the right with `fill` to the widest."""
    widest = max(part.shape[1] for part in parts)
    stacked = np.full((sum(map(len, parts)), widest, *parts[0].shape[2:]), fill, parts[0].numpy().dtype)
    first = 0
    for part in parts:
        stacked[first : first + len(part), : part.shape[1]] = part.numpy()
        first += len(part)
    return stacked
