"""Strand symmetry beside any backbone: the same answer for a sequence and for its reverse complement."""

from collections.abc import Callable

import torch
from torch import Tensor

from genolightning.batch import Batch, reverse_complement
from genolightning.benchmarks.rows import Facts


def average(predict: Callable[[Batch], Tensor], batch: Batch, facts: Facts) -> Tensor:
    """The mean of the logits of both strands, read in one pass of twice the rows (Shrikumar et al. 2017, RC parameter
    sharing at its last layer). Logits on bases or bins are turned back before the mean.
    """
    other = reverse_complement(batch)
    both = Batch(
        torch.cat([batch.codes, other.codes]),
        torch.cat([batch.lengths, other.lengths]),
        batch.target,
        torch.cat([batch.index, batch.index]),
    )
    forward, backward = predict(both).chunk(2)
    if facts.resolution_bp is not None:
        backward = turned(backward, batch.lengths, facts.resolution_bp)
    return (forward + backward) / 2


def turned(logits: Tensor, lengths: Tensor, resolution_bp: int) -> Tensor:
    """Reverse (batch, places, outputs) along the places of each row; what stands on padding stays where it is."""
    places = torch.arange(logits.shape[1], device=logits.device)
    real = -(-lengths // resolution_bp)
    source = real[:, None] - 1 - places
    source = torch.where(source >= 0, source, places)
    return logits.gather(1, source[..., None].expand_as(logits))
