"""Strand symmetry beside any backbone: the same answer for a sequence and for its reverse complement."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from genolightning.batch import Backbone, Batch, Features, reverse_complement
from genolightning.benchmarks.rows import Facts
from genolightning.errors import UserError


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


class OnBases(NamedTuple):
    """What a head is told of a backbone that `equivariant` reads: one position a base."""

    dim: int
    stride: int = 1


def seen_by_head(backbone: Backbone) -> OnBases:
    """What to build a head on where `equivariant` stands between it and the backbone."""
    if backbone.stride is None:
        raise UserError(
            f"model.strand=equivariant needs positions that can be turned, {type(backbone).__name__} has none; "
            "choose model.strand=average"
        )
    return OnBases(backbone.dim)


def equivariant(backbone: Backbone, batch: Batch) -> Features:
    """Each base's features as the larger of what the two strands say, channel by channel: (batch, length, dim).

    Both strands are read in one pass of twice the rows, and the other one's features are turned back, so a sequence
    and its reverse complement have the same features, mirrored; whatever head follows, pooled or one base at a time,
    gives the same answer. The larger, as motifs are scored on both strands since DeepBind (Alipanahi et al. 2015,
    Nature Biotechnology 33:831); unlike a mean of logits it lets a layer choose the strand.
    """
    other = reverse_complement(batch)
    lengths = torch.cat([batch.lengths, other.lengths])
    both = Batch(torch.cat([batch.codes, other.codes]), lengths, batch.target, torch.cat([batch.index, batch.index]))
    values, mask, _ = backbone(both)
    if (stride := backbone.stride or 1) > 1:
        length = batch.codes.shape[1]
        values = values.repeat_interleave(stride, 1)[:, :length]
        mask = torch.arange(length, device=mask.device) < lengths[:, None]
    forward, backward = values.chunk(2)
    return Features(torch.maximum(forward, turned(backward, batch.lengths, 1)), mask.chunk(2)[0])
