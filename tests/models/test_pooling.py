"""Pooling and bins: padding never counts, positions line up with bases."""

import pytest
import torch

from genolightning.batch import Features, base_mask
from genolightning.models.pooling import MeanMaxPool, MeanPool, to_resolution


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
