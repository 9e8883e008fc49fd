"""Attention, rotary positions, the stem, and the initial weights."""

import pytest
import torch

from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.transformer import Transformer, rotate, rotations
from tests.helpers.batches import random_batch


def test_rotated_positions_meet_by_their_distance_alone():
    torch.manual_seed(0)
    q, k, turn = torch.randn(8), torch.randn(8), rotations(50, 8, torch.device("cpu"))

    def product(i: int, j: int) -> torch.Tensor:
        return rotate(q.expand(1, 1, 50, 8), turn)[0, 0, i] @ rotate(k.expand(1, 1, 50, 8), turn)[0, 0, j]

    torch.testing.assert_close(product(3, 10), product(40, 47))
    assert not torch.isclose(product(3, 10), product(10, 3))


def test_attention_is_the_softmax_of_products_over_real_positions():
    torch.manual_seed(0)
    model = Transformer(dim=8, depth=1, heads=2, dropout=0.0).eval()
    attention, x = model.blocks[0].attention, torch.randn(1, 6, 8)
    mask, turn = torch.tensor([[[[True] * 4 + [False] * 2]]]), rotations(6, 4, x.device)
    q, k, v = attention.qkv(x).view(1, 6, 3, 2, 4).unbind(2)
    q, k = (rotate(part.transpose(1, 2), turn) for part in (q, k))
    weights = torch.softmax((q @ k.transpose(-1, -2) / 2)[..., :4], -1)
    expected = attention.out((weights @ v.transpose(1, 2)[:, :, :4]).transpose(1, 2).reshape(1, 6, 8))
    torch.testing.assert_close(attention(x, mask, turn), expected)


def test_a_causal_transformer_never_sees_the_future():
    torch.manual_seed(0)
    model, batch = Transformer(dim=16, depth=2, heads=2, causal=True, dropout=0.0), random_batch(1, 20)
    before = model(batch).values
    batch.codes[0, 12:] = 3 - batch.codes[0, 12:].clamp(max=3)
    assert torch.equal(model(batch).values[:, :12], before[:, :12])
    assert not torch.equal(model(batch).values[:, 12:], before[:, 12:])


@pytest.mark.parametrize("stride", [1, 2, 4, 6, 8])
def test_a_stem_leaves_one_position_in_stride_bases(stride):
    model = Transformer(dim=8, depth=1, heads=2, stride=stride)
    for length in (1, 7, 24, 25):
        assert model(random_batch(2, length)).values.shape == (2, -(-length // stride), 8)


@pytest.mark.parametrize("stride", [1, 4])
def test_a_transformer_starts_with_unit_variance_from_the_first_layer_to_the_last_block(stride):
    torch.manual_seed(0)
    model, seen = Transformer(dim=64, depth=4, stride=stride, dropout=0.0).eval(), []
    first = [model.embedding] if stride == 1 else [model.stem.first, model.stem]
    for module in (*first, *model.blocks):
        module.register_forward_hook(lambda _, inputs, value: seen.append(value.std().item()))
    model(random_batch(4, 400))
    assert len(seen) == len(first) + 4
    assert all(0.5 < spread < 2 for spread in seen)


def test_embeddings_that_a_language_head_reads_start_smaller():
    torch.manual_seed(0)
    model = Transformer(facts=Facts("masked_lm", [], 60, 60), dim=64, stride=1)
    assert model.embedding.weight.std().item() == pytest.approx(1 / 8, rel=0.1)


@pytest.mark.parametrize("stride", [2, 4, 13, 36, 128])
def test_a_stem_skips_no_base(stride):
    stem = Transformer(dim=8, depth=1, heads=1, stride=stride).stem
    bases = torch.rand(1, 4, 3 * stride + 1, requires_grad=True)
    made = stem(bases, torch.ones(1, 1, 3 * stride + 1))
    assert made.shape[-1] == 4
    made.square().sum().backward()
    assert (bases.grad.abs().amax(1) > 0).all()


def test_impossible_transformers_are_refused():
    with pytest.raises(UserError, match="must be even"):
        Transformer(dim=12, heads=4)
    with pytest.raises(UserError, match="use stride=1"):
        Transformer(causal=True, stride=4)
