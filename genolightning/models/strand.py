"""How a model reads the two strands: one, both averaged, both made equivalent, or both side by side."""

from typing import Protocol

import torch
from torch import Tensor, nn

from genolightning.batch import Batch, Features, base_mask
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.base import Backbone, HeadInput
from genolightning.models.pooling import to_resolution


class Strand(Protocol):
    """A way to read strands: made for a dataset's facts, it defines what a head is built on, then predicts."""

    def head_input(self, backbone: Backbone) -> Backbone | HeadInput:
        """What to build a head on. UserError where the backbone cannot be read this way."""

    def check_head(self, head: nn.Module) -> None:
        """UserError where predictions of this head would not have the symmetry."""

    def __call__(self, backbone: Backbone, head: nn.Module, batch: Batch) -> Tensor:
        """Logits of a batch: (batch, outputs) or (batch, places, outputs)."""


class SingleStrand:
    """The given strand alone."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def head_input(self, backbone: Backbone) -> Backbone | HeadInput:
        """The backbone itself."""
        return backbone

    def check_head(self, head: nn.Module) -> None:
        """Any head will do."""

    def __call__(self, backbone: Backbone, head: nn.Module, batch: Batch) -> Tensor:
        """Logits of the given strand."""
        logits: Tensor = head(backbone(batch), batch)
        return logits


class _BothStrands(SingleStrand):
    name = ""  # the value of `model.strand`

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        if facts.target_kind.language_model:
            raise UserError(f"model.strand={self.name}: a language model reads one strand; add model.strand=none")

    def head_input(self, backbone: Backbone) -> Backbone | HeadInput:
        """UserError for a backbone that reads tokens."""
        if backbone.input.tokenizer is not None:
            raise UserError(
                f"model.strand={self.name}: tokens are read one way; add model.strand=none, and "
                "dataset.augment.reverse_complement=true for both strands in training"
            )
        return backbone

    def _stride(self, backbone: Backbone) -> int:
        if backbone.stride is None:
            raise UserError(
                f"model.strand={self.name} needs positions that can be turned, {type(backbone).__name__} has none; "
                "choose model.strand=average"
            )
        return backbone.stride


class AverageStrands(_BothStrands):
    """The mean of the logits of both strands, read in one pass of twice the rows.

    Shrikumar et al. 2017, RC parameter sharing at its last layer. Logits of the other strand are turned back before the
    mean: its classes become those of this strand, and on bases its positions are reversed. On bins too, base by base,
    as the other strand's bins begin at its own end: where a length is no multiple of a bin, they overlap two of ours.
    """

    name = "average"

    def __call__(self, backbone: Backbone, head: nn.Module, batch: Batch) -> Tensor:
        """Mean logits: p(x) equals the permuted and reversed p(reverse complement of x)."""
        both = stack_strands(batch)
        logits: Tensor = head(backbone(both), both)
        forward, backward = logits.chunk(2)
        backward = complement_classes(backward, self.facts)
        if self.facts.resolution_bp is not None:
            length, mask = batch.codes.shape[1], base_mask(batch.lengths, batch.codes.shape[1])
            on_bases = backward.repeat_interleave(self.facts.resolution_bp, 1)[:, :length]
            turned = Features(reverse_positions(on_bases, batch.lengths), mask)
            backward = to_resolution(turned, 1, self.facts.resolution_bp).values
        return (forward + backward) / 2


class EquivariantStrands(_BothStrands):
    """Each base's features as the larger of those of the two strands, channel by channel: (batch, length, dim).

    The other strand's features are reversed, so a sequence and its reverse complement have the same features, mirrored;
    a head that pools them, or reads them one base at a time, gives the same answer. The larger, as motifs are scored on
    both strands since DeepBind (Alipanahi et al. 2015, Nature Biotechnology 33:831); unlike a mean of logits it lets a
    layer choose the strand.
    """

    name = "equivariant"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        if is_stranded(facts):
            raise UserError(
                "model.strand=equivariant gives both strands the same classes, and this dataset's classes belong to a "
                "strand; choose model.strand=average"
            )

    def head_input(self, backbone: Backbone) -> HeadInput:
        """One position a base, as wide as the backbone's."""
        super().head_input(backbone)
        self._stride(backbone)
        return HeadInput(backbone.dim, 1)

    def check_head(self, head: nn.Module) -> None:
        """UserError for a head that reads neighbouring positions in one direction (it has `one_way = True`)."""
        if getattr(head, "one_way", False):
            raise UserError(
                f"model.strand=equivariant: {type(head).__name__} reads neighbouring positions in one direction, "
                "so strands would differ; choose model.strand=average"
            )

    def __call__(self, backbone: Backbone, head: nn.Module, batch: Batch) -> Tensor:
        """Logits of the larger features."""
        forward, backward, mask = features_of_bases(backbone, batch)
        logits: Tensor = head(Features(torch.maximum(forward, backward), mask), batch)
        return logits


class JointStrands(_BothStrands):
    """Both strands' features side by side: (batch, positions, 2 dim), the given strand's first.

    The backbone reads both with the same weights and the head distinguishes them, so what is on a strand of its own (a
    TATA box before its gene) is not averaged away; no symmetry is promised. For one answer a sequence each strand runs
    in its own direction; where there are bins, the other one is reversed, one position a base.
    """

    name = "joint"

    def head_input(self, backbone: Backbone) -> HeadInput:
        """Twice as wide as the backbone's; one position a base where there are bins."""
        super().head_input(backbone)
        stride = self._stride(backbone)
        return HeadInput(2 * backbone.dim, stride if self.facts.resolution_bp is None else 1)

    def features(self, backbone: Backbone, batch: Batch) -> Features:
        """Values (batch, positions, 2 dim), and which positions are real."""
        if self.facts.resolution_bp is None:
            values, mask, *_ = backbone(stack_strands(batch))
            return Features(torch.cat(values.chunk(2), 2), mask.chunk(2)[0])
        forward, backward, mask = features_of_bases(backbone, batch)
        return Features(torch.cat([forward, backward], 2), mask)

    def __call__(self, backbone: Backbone, head: nn.Module, batch: Batch) -> Tensor:
        """Logits of both strands' features."""
        logits: Tensor = head(self.features(backbone, batch), batch)
        return logits


def is_stranded(facts: Facts) -> bool:
    """Whether a class of one strand is another class of the other strand."""
    swapped = facts.reverse_complement
    return swapped is not None and list(swapped) != list(range(len(swapped)))


def complement_classes(logits: Tensor, facts: Facts) -> Tensor:
    """Permute logits of classes on one strand to those on the other: float (batch, ..., outputs) to the same.

    Two classes with one logit that swap change its sign.
    """
    if not is_stranded(facts):
        return logits
    if logits.shape[-1] == 1:
        return -logits
    return logits[..., torch.tensor(facts.reverse_complement, device=logits.device)]


def stack_strands(batch: Batch) -> Batch:
    """A batch of twice the rows: the given strands, then the others."""
    other = batch.reverse_complement()
    pairs = ((batch.codes, other.codes), (batch.lengths, other.lengths), (batch.index, batch.index))
    codes, lengths, index = (torch.cat(pair) for pair in pairs)
    bases = None if batch.bases is None or other.bases is None else torch.cat([batch.bases, other.bases])
    return Batch(codes, lengths, batch.target, index, bases=bases)


def reverse_positions(logits: Tensor, lengths: Tensor) -> Tensor:
    """Reverse (batch, bases, outputs) along the bases of each row; padding stays where it is."""
    places = torch.arange(logits.shape[1], device=logits.device)
    source = lengths[:, None] - 1 - places
    source = torch.where(source >= 0, source, places)
    return logits.gather(1, source[..., None].expand_as(logits))


def features_of_bases(backbone: Backbone, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Features of each base on the given strand and, reversed, on the other: (batch, length, dim). And a mask."""
    values = backbone(stack_strands(batch)).values
    length = batch.codes.shape[1]
    if (stride := backbone.stride or 1) > 1:
        values = values.repeat_interleave(stride, 1)[:, :length]
    forward, backward = values.chunk(2)
    return forward, reverse_positions(backward, batch.lengths), base_mask(batch.lengths, length)
