"""Heads: one row of logits a sequence, a bin or a base."""

import pytest
import torch

from genolightning.batch import Batch, Features
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.convnet import ConvNet
from tests.helpers.batches import padded_batch


def facts(**more) -> Facts:
    return Facts(**{"kind": "binary", "classes": ["a", "b"], "length_bp": 40, "shortest_bp": 40} | more)


@pytest.mark.parametrize("resolution", [1, 2, 4, 8])
def test_there_is_one_row_of_logits_a_bin(resolution):
    backbone = ConvNet(dim=8, blocks=1)
    head = heads.default(backbone, facts(resolution_bp=resolution))
    batch = padded_batch(length=39)
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


def test_padding_and_batch_mates_never_change_a_prediction():
    backbone = ConvNet(dim=8, blocks=3).eval()
    head = heads.default(backbone, facts())
    batch = padded_batch(lengths=[40, 31, 7, 1])
    together = head(backbone(batch), batch)
    for row, length in enumerate(batch.lengths.tolist()):
        alone = Batch(
            batch.codes[row : row + 1, :length], batch.lengths[row : row + 1], batch.target[:1], batch.index[:1]
        )
        assert torch.allclose(head(backbone(alone), alone)[0], together[row], atol=1e-5)
