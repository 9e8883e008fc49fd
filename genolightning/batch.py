"""Batches of base codes, as the data layer makes them, and the features that a backbone computes from them."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Tokens(NamedTuple):
    """What a backbone that does not read single bases reads instead."""

    ids: Tensor  # int64 (batch, tokens)
    mask: Tensor  # bool (batch, tokens), True where a token is real
    spans: Tensor  # int64 (batch, tokens, 2), first and last base of each token, both included; -1 -1 for specials


class Batch(NamedTuple):
    """A batch of DNA, in base codes (genome/alphabet.py).

    Integer targets: -100 is "no label"; float targets: NaN is; the padding of a target likewise.
    """

    codes: Tensor  # uint8 (batch, length), padded with 4 on the right
    lengths: Tensor  # int64 (batch,), true length in bases; this alone distinguishes padding from N
    target: Tensor  # (batch,) | (batch, labels) | (batch, bins or length) | (batch, bins or length, labels)
    index: Tensor  # type: ignore[assignment]  # int64 (batch,), row of the split's table in file order, before any cut, drop or cleaning
    tokens: Tokens | None = None
    bases: Tensor | None = None  # float (batch, 4, length): the codes' channels, where gradients must reach the input

    def channels(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Four channels A C G T: `bases` where they are set, else one-hot codes: `dtype` (batch, 4, length)."""
        return one_hot(self.codes, dtype) if self.bases is None else self.bases.to(dtype)

    def with_bases(self, dtype: torch.dtype = torch.float32) -> "Batch":
        """The same batch with `bases` set, a leaf that gradients reach."""
        return self._replace(bases=one_hot(self.codes, dtype).requires_grad_())

    def reverse_complement(self) -> "Batch":
        """The other strand of every sequence, read in its own direction; padding stays on the right.

        Codes, bases and lengths only: the target is left as it is, tokens are dropped.
        """
        length = self.codes.shape[1]
        position = self.lengths[:, None] - 1 - torch.arange(length, device=self.codes.device)
        source, real = position.clamp(min=0), position >= 0
        table = torch.tensor([3, 2, 1, 0, 4, 5], dtype=self.codes.dtype, device=self.codes.device)
        flipped = table[self.codes.gather(1, source).long()]
        codes = torch.where(real, flipped, torch.full_like(flipped, 4))
        bases = self.bases
        if bases is not None:
            bases = bases.flip(1).gather(2, source[:, None].expand_as(bases)) * real[:, None]
        return self._replace(codes=codes, tokens=None, bases=bases)


class Features(NamedTuple):
    """What a backbone makes of a batch."""

    values: Tensor  # float (batch, positions, dim)
    mask: Tensor  # bool (batch, positions), True where the position covers at least one real base
    spans: Tensor | None = None  # int64 (batch, positions, 2) first and last base, where positions are uneven


def base_mask(lengths: Tensor, length: int) -> Tensor:
    """True where a position holds a real base: int64 (batch,) -> bool (batch, length).

    >>> base_mask(torch.tensor([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return torch.arange(length, device=lengths.device) < lengths[:, None]


def one_hot(codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn base codes into four channels, A C G T; any other code becomes a column of zeros.

    Takes uint8 (batch, length), returns `dtype` (batch, 4, length).

    >>> one_hot(torch.tensor([[0, 3, 4]], dtype=torch.uint8))[0].T.tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    symbols = torch.arange(4, dtype=codes.dtype, device=codes.device)[:, None]
    out = torch.empty((codes.shape[0], 4, codes.shape[1]), dtype=dtype, device=codes.device)
    return torch.eq(codes[:, None], symbols, out=out)


def embed_bases(batch: Batch, embedding: nn.Embedding, ids: Tensor, rows: slice = slice(0, 4)) -> Tensor:
    """Look bases up in a table of vectors, or mix its vectors of A C G T where the batch has `bases`.

    `ids` int64 (batch, length) are rows of the table, `rows` those of A C G T. N, padding and masked bases keep
    their own vectors. Returns float (batch, length, dim).
    """
    values: Tensor = embedding(ids)
    if batch.bases is None:
        return values
    mixed = batch.bases.transpose(1, 2).to(values.dtype) @ embedding.weight[rows]
    return torch.where((batch.codes < 4)[..., None], mixed, values)
