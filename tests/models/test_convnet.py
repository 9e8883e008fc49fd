"""Our default network: positions, bins, and what padding does."""

import pytest
import torch

from genolightning.facts import Facts
from genolightning.models.convnet import ConvNet
from tests.helpers.batches import padded_batch


@pytest.mark.parametrize(("resolution_bp", "stride"), [(None, 4), (1, 1), (2, 2), (6, 2), (8, 4)])
def test_positions_are_never_coarser_than_bins(resolution_bp, stride):
    backbone = ConvNet(facts=Facts("binary", ["a", "b"], 40, 40, resolution_bp), dim=8, blocks=1)
    features = backbone(padded_batch(lengths=[40, 31, 7, 1]))
    assert backbone.stride == stride
    assert features.values.shape == (4, -(-40 // stride), 8)
    assert features.mask.sum(1).tolist() == [-(-length // stride) for length in (40, 31, 7, 1)]


def test_a_full_batch_and_the_same_rows_with_padding_give_the_same_features():
    torch.manual_seed(0)
    backbone, batch = ConvNet(dim=8, blocks=2).eval(), padded_batch()
    wider = batch._replace(codes=torch.nn.functional.pad(batch.codes, (0, 8), value=4))
    torch.testing.assert_close(backbone(wider).values[:, :10], backbone(batch).values, rtol=0, atol=1e-5)
