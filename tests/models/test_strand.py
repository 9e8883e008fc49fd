"""Strands: a sequence and its reverse complement get answers that are each other's, class by class."""

import pytest
import torch

from genolightning.batch import Batch, Features, base_mask
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.convnet import ConvNet
from genolightning.models.pooling import to_resolution
from genolightning.models.strand import (
    AverageStrands,
    EquivariantStrands,
    JointStrands,
    SingleStrand,
    reverse_positions,
)
from tests.helpers.batches import padded_batch

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
    p, other = (logits(AverageStrands, known, one).softmax(-1) for one in (batch, batch.reverse_complement()))
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
    one, other = (logits(AverageStrands, known, given) for given in (batch, batch.reverse_complement()))
    torch.testing.assert_close(one, -other, rtol=0, atol=1e-5)
    assert one.abs().max() > 1e-4


@pytest.mark.parametrize("swapped", [None, list(range(9))])
@pytest.mark.parametrize("strand", [AverageStrands, EquivariantStrands])
def test_classes_without_a_strand_get_the_same_answer(strand, swapped):
    known, batch = facts(reverse_complement=swapped), batch_of(43, 36, 6)
    one, other = (logits(strand, known, given) for given in (batch, batch.reverse_complement()))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_equivariant_features_are_refused_where_classes_belong_to_a_strand():
    with pytest.raises(UserError, match=r"choose model\.strand=average"):
        EquivariantStrands(facts())


@pytest.mark.parametrize("strand", BOTH)
def test_a_language_model_reads_one_strand(strand):
    with pytest.raises(UserError, match=r"model\.strand=none"):
        strand(Facts("masked_lm", [], 9, 9))
    assert SingleStrand(Facts("masked_lm", [], 9, 9))


def binary_facts(**more) -> Facts:
    return Facts(**{"kind": "binary", "classes": ["a", "b"], "length_bp": 40, "shortest_bp": 40} | more)


@pytest.mark.parametrize("resolution", [None, 1, 4])
def test_both_strands_get_the_same_answer(resolution):
    known = binary_facts(resolution_bp=resolution)
    backbone = ConvNet(dim=8, blocks=2).eval()
    head = heads.default(backbone, known)

    batch = padded_batch(lengths=[40, 36, 20, 8])
    forward = AverageStrands(known)(backbone, head, batch)
    backward = AverageStrands(known)(backbone, head, batch.reverse_complement())
    if resolution:
        backward = reverse_positions(backward, -(-batch.lengths // resolution))
        real = base_mask(-(-batch.lengths // resolution), forward.shape[1])
        forward, backward = forward[real], backward[real]
    assert torch.allclose(forward, backward, atol=1e-5)


@pytest.mark.parametrize("lengths", [[40, 36], [43, 6]])
def test_strands_are_averaged_base_by_base_where_their_bins_lie_across_each_other(lengths):
    def share_of_a_and_t(batch):
        weak = ((batch.codes == 0) | (batch.codes == 3)).float()[..., None]
        return to_resolution(Features(weak, base_mask(batch.lengths, weak.shape[1])), 1, 4).values

    batch, known = padded_batch(2, max(lengths), lengths), binary_facts(resolution_bp=4)
    one = AverageStrands(known)(lambda batch: batch, lambda batch, _: share_of_a_and_t(batch), batch)
    given = share_of_a_and_t(batch)
    for row, length in enumerate(lengths):
        bases = given[row].repeat_interleave(4, 0)[:length]
        other = share_of_a_and_t(batch.reverse_complement())[row].repeat_interleave(4, 0)[:length].flip(0)
        for place in range(-(-length // 4)):
            bin_ = slice(4 * place, 4 * place + 4)
            wanted = (bases[bin_].mean() + other[bin_].mean()) / 2
            assert one[row, place].item() == pytest.approx(wanted.item())
