"""Strands: a sequence and its reverse complement get answers that are each other's, class by class."""

import pytest
import torch

from genolightning.batch import Batch, base_mask, reverse_complement
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.convnet import ConvNet
from genolightning.models.strand import (
    AverageStrands,
    EquivariantStrands,
    JointStrands,
    SingleStrand,
    reverse_positions,
)

NINE = [str(i) for i in range(9)]  # four classes of each strand, and one that has none
SWAPPED = [4, 5, 6, 7, 0, 1, 2, 3, 8]
BOTH = (AverageStrands, EquivariantStrands, JointStrands)


def facts(resolution_bp=None, **more) -> Facts:
    return Facts(
        **{
            "kind": "multiclass",
            "classes": NINE,
            "length_bp": 43,
            "shortest_bp": 6,
            "resolution_bp": resolution_bp,
            "reverse_complement": SWAPPED,
        }
        | more
    )


def batch_of(*lengths: int) -> Batch:
    torch.manual_seed(1)
    real = torch.tensor(lengths)
    codes = torch.randint(0, 4, (len(lengths), max(lengths)), dtype=torch.uint8)
    codes[~base_mask(real, max(lengths))] = 4
    return Batch(codes, real, torch.zeros(len(lengths), dtype=torch.long), torch.arange(len(lengths)))


def logits(strand, known: Facts, batch: Batch) -> torch.Tensor:
    torch.manual_seed(0)
    backbone = ConvNet(facts=known, dim=8, blocks=2).eval()
    strand = strand(known)
    head = heads.default(strand.head_input(backbone), known)
    with torch.no_grad():
        return strand(backbone, head, batch)


@pytest.mark.parametrize(("resolution_bp", "lengths"), [(None, (43, 36, 6)), (1, (43, 36, 6)), (4, (40, 36, 8))])
def test_probabilities_of_strand_bound_classes_are_permuted_and_reversed(resolution_bp, lengths):
    known, batch = facts(resolution_bp), batch_of(*lengths)
    p, other = (logits(AverageStrands, known, one).softmax(-1) for one in (batch, reverse_complement(batch)))
    other = other[..., SWAPPED]
    if resolution_bp:
        bins = -(-batch.lengths // resolution_bp)
        other, real = reverse_positions(other, bins), base_mask(bins, p.shape[1])
        p, other = p[real], other[real]
    torch.testing.assert_close(p, other, rtol=0, atol=1e-5)
    assert (p - p[..., SWAPPED]).abs().max() > 1e-3  # the two strands' classes are told apart


def test_two_classes_that_swap_have_opposite_logits():
    known = facts(kind="binary", classes=["+", "-"], reverse_complement=[1, 0])
    batch = batch_of(43, 36)
    one, other = (logits(AverageStrands, known, given) for given in (batch, reverse_complement(batch)))
    torch.testing.assert_close(one, -other, rtol=0, atol=1e-5)
    assert one.abs().max() > 1e-4


@pytest.mark.parametrize("swapped", [None, list(range(9))])
@pytest.mark.parametrize("strand", [AverageStrands, EquivariantStrands])
def test_classes_without_a_strand_get_the_same_answer(strand, swapped):
    known, batch = facts(reverse_complement=swapped), batch_of(43, 36, 6)
    one, other = (logits(strand, known, given) for given in (batch, reverse_complement(batch)))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_equivariant_features_are_refused_where_classes_belong_to_a_strand():
    with pytest.raises(UserError, match=r"choose model\.strand=average"):
        EquivariantStrands(facts())


@pytest.mark.parametrize("strand", BOTH)
def test_a_language_model_reads_one_strand(strand):
    with pytest.raises(UserError, match=r"model\.strand=none"):
        strand(Facts("masked_lm", [], 9, 9))
    assert SingleStrand(Facts("masked_lm", [], 9, 9))
