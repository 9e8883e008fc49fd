"""A batch: channels of its bases, and its reverse complement."""

import torch

from genolightning.batch import Batch, embed_bases


def batch() -> Batch:
    codes = torch.tensor([[0, 1, 4, 3], [2, 2, 4, 4]], dtype=torch.uint8)
    return Batch(codes, torch.tensor([4, 2]), torch.zeros(2), torch.arange(2))


def test_channels_are_the_one_hot_codes_unless_bases_are_given_and_n_has_none():
    plain = batch()
    assert plain.channels().sum(1).tolist() == [[1, 1, 0, 1], [1, 1, 0, 0]]
    assert torch.equal(plain.with_bases().channels(torch.float64), plain.channels(torch.float64))


def test_reverse_complement_turns_bases_as_it_turns_codes():
    other = batch().with_bases().reverse_complement()
    assert other.codes.tolist() == [[0, 4, 2, 3], [1, 1, 4, 4]]
    assert torch.equal(other.channels(), other._replace(bases=None).channels())
    assert torch.equal(other.reverse_complement().channels(), batch().channels())


def test_mixed_bases_are_mixed_vectors_and_n_keeps_its_own():
    table = torch.nn.Embedding(6, 3)
    half = batch()._replace(bases=torch.full((2, 4, 4), 0.25))
    values = embed_bases(half, table, half.codes.long())
    assert torch.allclose(values[0, 0], table.weight[:4].mean(0))
    assert torch.equal(values[0, 2], table.weight[4])
