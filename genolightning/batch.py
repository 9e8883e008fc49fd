"""What travels from the data room to a model: one batch of base codes, and the features a backbone makes of it."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


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
    lengths: Tensor  # int64 (batch,), true length in bases; padding is told from N by this alone
    target: Tensor  # (batch,) | (batch, labels) | (batch, bins or length) | (batch, bins or length, labels)
    index: Tensor  # type: ignore[assignment]  # int64 (batch,), row of the split's table in file order, before any cut, drop or cleaning
    tokens: Tokens | None = None


class Features(NamedTuple):
    """What a backbone makes of a batch."""

    values: Tensor  # float (batch, positions, dim)
    mask: Tensor  # bool (batch, positions), True where the position stands on at least one real base
    spans: Tensor | None = None  # int64 (batch, positions, 2) first and last base, where positions are uneven


class Backbone(Protocol):
    """A plain nn.Module from a batch to features.

    It may also say `max_length_bp` (the longest row it takes), `causal`, and `embedding` and `bases` (its table of
    vectors and the rows of A C G T in it, for a language model's tied head), and offer `tokenize`.
    """

    dim: int
    stride: int | None  # bases per output position; None where positions are uneven (BPE)

    def __call__(self, batch: Batch) -> Features: ...


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


def reverse_complement(batch: Batch) -> Batch:
    """The other strand of every sequence, read in its own direction; padding stays on the right.

    Codes and lengths only: the target is left as it is.
    """
    length = batch.codes.shape[1]
    position = batch.lengths[:, None] - 1 - torch.arange(length, device=batch.codes.device)
    table = torch.tensor([3, 2, 1, 0, 4, 5], dtype=batch.codes.dtype, device=batch.codes.device)
    flipped = table[batch.codes.gather(1, position.clamp(min=0)).long()]
    return batch._replace(codes=torch.where(position >= 0, flipped, torch.full_like(flipped, 4)))
