"""Both strands beside any backbone: one answer for a sequence and its reverse complement, or both read at once."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from genolightning.batch import Backbone, Batch, Features, base_mask, reverse_complement
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.pooling import to_resolution


def average(predict: Callable[[Batch], Tensor], batch: Batch, facts: Facts) -> Tensor:
    """The mean of the logits of both strands, read in one pass of twice the rows (Shrikumar et al. 2017, RC parameter
    sharing at its last layer). Logits on bases are turned back before the mean; on bins too, base by base, as the other
    strand's bins begin at its own end: where a length is no multiple of a bin, they lie across ours.
    """
    forward, backward = predict(_both(batch)).chunk(2)
    if facts.resolution_bp is not None:
        length, mask = batch.codes.shape[1], base_mask(batch.lengths, batch.codes.shape[1])
        on_bases = backward.repeat_interleave(facts.resolution_bp, 1)[:, :length]
        backward = to_resolution(Features(turned(on_bases, batch.lengths), mask), 1, facts.resolution_bp).values
    return (forward + backward) / 2


def _both(batch: Batch) -> Batch:
    """A batch of twice the rows: each strand's, the given one's first."""
    other = reverse_complement(batch)
    pairs = ((batch.codes, other.codes), (batch.lengths, other.lengths), (batch.index, batch.index))
    codes, lengths, index = (torch.cat(pair) for pair in pairs)
    return Batch(codes, lengths, batch.target, index)


def turned(logits: Tensor, lengths: Tensor) -> Tensor:
    """Reverse (batch, bases, outputs) along the bases of each row; what stands on padding stays where it is."""
    places = torch.arange(logits.shape[1], device=logits.device)
    source = lengths[:, None] - 1 - places
    source = torch.where(source >= 0, source, places)
    return logits.gather(1, source[..., None].expand_as(logits))


class Seen(NamedTuple):
    """What a head is told of a backbone that is read on both strands."""

    dim: int
    stride: int


def seen_by_head(backbone: Backbone, strand: str, facts: Facts) -> Seen:
    """What to build a head on where `equivariant` or `joint` stands between it and the backbone."""
    if backbone.stride is None:
        raise UserError(
            f"model.strand={strand} needs positions that can be turned, {type(backbone).__name__} has none; "
            "choose model.strand=average"
        )
    if strand == "equivariant":
        return Seen(backbone.dim, 1)
    return Seen(2 * backbone.dim, backbone.stride if facts.resolution_bp is None else 1)


def equivariant(backbone: Backbone, batch: Batch) -> Features:
    """Each base's features as the larger of what the two strands say, channel by channel: (batch, length, dim).

    The other strand's features are turned back, so a sequence and its reverse complement have the same features,
    mirrored; a head that pools them, or reads them one base at a time, gives the same answer. The larger, as motifs are
    scored on both strands since DeepBind (Alipanahi et al. 2015, Nature Biotechnology 33:831); unlike a mean of logits
    it lets a layer choose the strand.
    """
    forward, backward, mask = _on_bases(backbone, batch)
    return Features(torch.maximum(forward, backward), mask)


def joint(backbone: Backbone, batch: Batch, facts: Facts) -> Features:
    """Both strands' features side by side: (batch, positions, 2 dim), the given strand's first.

    The backbone reads both with the same weights and the head tells them apart, so what lies on a strand of its own (a
    TATA box before its gene) is not averaged away; no symmetry is promised. For one answer a sequence each strand runs
    in its own direction; where there are bins, the other one is turned back, one position a base.
    """
    if facts.resolution_bp is None:
        values, mask, _ = backbone(_both(batch))
        return Features(torch.cat(values.chunk(2), 2), mask.chunk(2)[0])
    forward, backward, mask = _on_bases(backbone, batch)
    return Features(torch.cat([forward, backward], 2), mask)


def _on_bases(backbone: Backbone, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Features of each base on the given strand and, turned back, on the other: (batch, length, dim). And a mask."""
    values = backbone(_both(batch)).values
    length = batch.codes.shape[1]
    if (stride := backbone.stride or 1) > 1:
        values = values.repeat_interleave(stride, 1)[:, :length]
    forward, backward = values.chunk(2)
    return forward, turned(backward, batch.lengths), base_mask(batch.lengths, length)
