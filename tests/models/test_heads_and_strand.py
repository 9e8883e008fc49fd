"""Pooling, heads and strand symmetry: padding never counts, places line up with bases."""

import pytest
import torch

from genolightning.batch import Batch, Features, base_mask, reverse_complement
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.convnet import ConvNet
from genolightning.models.pooling import MeanMaxPool, MeanPool, to_resolution
from genolightning.models.strand import AverageStrands, reverse_positions


def facts(**more) -> Facts:
    return Facts(**{"kind": "binary", "classes": ["a", "b"], "length_bp": 40, "shortest_bp": 40} | more)


def batch_of(rows: int = 4, length: int = 40, lengths: list[int] | None = None) -> Batch:
    torch.manual_seed(0)
    codes = torch.randint(0, 4, (rows, length), dtype=torch.uint8)
    real = torch.tensor(lengths or [length] * rows)
    codes[~base_mask(real, length)] = 4
    return Batch(codes, real, torch.zeros(rows, dtype=torch.long), torch.arange(rows))


@pytest.mark.parametrize("pool", [MeanPool(), MeanMaxPool()])
def test_pooling_does_not_see_padding(pool):
    values = torch.randn(2, 5, 3)
    mask = base_mask(torch.tensor([5, 3]), 5)
    spoiled = values.masked_fill(~mask[..., None], 1e6)
    assert torch.equal(pool(Features(values, mask)), pool(Features(spoiled, mask)))


def test_finer_positions_are_averaged_into_bins_and_coarser_ones_repeated():
    features = Features(torch.arange(6.0).view(1, 6, 1), torch.tensor([[True] * 5 + [False]]))
    assert to_resolution(features, 2, 4).values.flatten().tolist() == [0.5, 2.5, 4.0]
    assert to_resolution(features, 2, 1).values.flatten().tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("resolution", [1, 2, 4, 8])
def test_there_is_one_row_of_logits_a_bin(resolution):
    backbone = ConvNet(dim=8, blocks=1)
    head = heads.default(backbone, facts(resolution_bp=resolution))
    batch = batch_of(length=39)
    assert head(backbone(batch), batch).shape == (4, -(-39 // resolution), 1)


def test_bins_that_do_not_fit_the_backbone_are_refused():
    with pytest.raises(UserError, match="do not fit"):
        heads.default(ConvNet(dim=8, blocks=1), facts(resolution_bp=3))


def test_overlapping_tokens_hand_their_mean_to_the_bases():
    values = torch.tensor([[[1.0], [3.0]]])
    spans = torch.tensor([[[0, 1], [1, 2]]])
    spread = heads.on_bases(Features(values, torch.ones(1, 2, dtype=torch.bool), spans), 4)
    assert spread.values.flatten().tolist() == [1.0, 2.0, 3.0, 0.0]
    assert spread.mask.tolist() == [[True, True, True, False]]


@pytest.mark.parametrize("resolution", [None, 1, 4])
def test_both_strands_get_the_same_answer(resolution):
    known = facts(resolution_bp=resolution)
    backbone = ConvNet(dim=8, blocks=2).eval()
    head = heads.default(backbone, known)

    batch = batch_of(lengths=[40, 36, 20, 8])
    forward = AverageStrands(known)(backbone, head, batch)
    backward = AverageStrands(known)(backbone, head, reverse_complement(batch))
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

    batch, known = batch_of(2, max(lengths), lengths), facts(resolution_bp=4)
    one = AverageStrands(known)(lambda batch: batch, lambda batch, _: share_of_a_and_t(batch), batch)
    given = share_of_a_and_t(batch)
    for row, length in enumerate(lengths):
        bases = given[row].repeat_interleave(4, 0)[:length]
        other = share_of_a_and_t(reverse_complement(batch))[row].repeat_interleave(4, 0)[:length].flip(0)
        for place in range(-(-length // 4)):
            bin_ = slice(4 * place, 4 * place + 4)
            wanted = (bases[bin_].mean() + other[bin_].mean()) / 2
            assert one[row, place].item() == pytest.approx(wanted.item())


def test_padding_and_batch_mates_never_change_a_prediction():
    backbone = ConvNet(dim=8, blocks=3).eval()
    head = heads.default(backbone, facts())
    batch = batch_of(lengths=[40, 31, 7, 1])
    together = head(backbone(batch), batch)
    for row, length in enumerate(batch.lengths.tolist()):
        alone = Batch(
            batch.codes[row : row + 1, :length], batch.lengths[row : row + 1], batch.target[:1], batch.index[:1]
        )
        assert torch.allclose(head(backbone(alone), alone)[0], together[row], atol=1e-5)
