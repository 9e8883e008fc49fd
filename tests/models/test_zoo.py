"""The published networks have their published shapes, and each model does what its paper says it does."""

import pytest
import torch
from torch.nn import functional as F

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.basset import Basset, UnitsHead
from genolightning.models.convnet import ConvNet
from genolightning.models.deepsea import DeepSEA
from genolightning.models.gated import GatedNet
from genolightning.models.hyena import Hyena
from genolightning.models.resnet import CNNProbe, ProbeHead, ResNet
from genolightning.models.transformer import Transformer, rotate, rotations
from tests.models.test_laws import built


def told(length_bp: int, labels: int = 3, **more) -> Facts:
    return Facts("multilabel", [str(label) for label in range(labels)], length_bp, length_bp, **more)


def batch_of(rows: int, length: int) -> Batch:
    torch.manual_seed(0)
    codes = torch.randint(0, 5, (rows, length), dtype=torch.uint8)
    return Batch(codes, torch.full((rows,), length), torch.zeros(rows), torch.arange(rows))


def size(*parts: torch.nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def test_deepsea_has_the_52_843_119_parameters_of_its_paper():
    with torch.device("meta"):
        backbone = DeepSEA(facts=told(1_000, 919))
        head = UnitsHead(backbone, told(1_000, 919), units=(925,), norm=False, dropout=0.0)
    assert backbone.positions == 53
    assert size(backbone, head) == 52_843_119


def test_basset_leaves_2000_numbers_of_600_bases():
    backbone = Basset(facts=told(600, 164))
    assert backbone.dim * backbone.positions == 2_000
    assert backbone(batch_of(2, 600)).values.shape == (2, 10, 200)
    assert UnitsHead(backbone, told(600, 164)).layers[0].in_features == 2_000


@pytest.mark.parametrize("model", [Basset, DeepSEA])
@pytest.mark.parametrize("length_bp", [1, 168, 400, 601])
def test_fixed_models_know_how_many_positions_they_leave(model, length_bp):
    backbone = model(facts=told(length_bp))
    assert backbone(batch_of(2, length_bp)).values.shape == (2, backbone.positions, backbone.dim)


def test_a_lone_row_can_be_trained_on_by_a_head_with_batch_norm():
    backbone = Basset(facts=told(200))
    head, features = UnitsHead(backbone, told(200), units=(8,)), backbone(batch_of(1, 200))
    assert head.train()(features, batch_of(1, 200)).isfinite().all()


def test_heads_of_fixed_models_refuse_labels_on_bases_and_backbones_of_any_length():
    with pytest.raises(UserError, match="choose model=convnet"):
        UnitsHead(Basset(facts=told(200)), told(200, resolution_bp=1))
    with pytest.raises(UserError, match="backbone of fixed length"):
        UnitsHead(GatedNet(dim=8), told(200))


def test_the_resnet_of_bend_has_30_blocks_with_dilations_from_1_to_32_five_times():
    with torch.device("meta"):
        backbone = ResNet()
    assert [block.conv.dilation[0] for block in backbone.blocks] == [1, 2, 4, 8, 16, 32] * 5
    assert {block.conv.weight.shape for block in backbone.blocks} == {(256, 256, 9)}
    assert size(backbone) == 30 * (256 * 256 * 9 + 256 + 256 * 256 + 256 + 4 * 256)


def test_bends_two_layers_see_two_bases_each_side_and_serve_as_a_head_too():
    backbone, batch = CNNProbe(dim=6), batch_of(1, 20)
    before = backbone(batch).values
    batch.codes[0, 10] = (batch.codes[0, 10] + 1) % 4
    changed = (backbone(batch).values != before).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [8, 9, 10, 11, 12]
    for facts in (told(20), told(20, resolution_bp=4)):
        head = ProbeHead(GatedNet(dim=8), facts, dim=5)
        places = (1, 5, 3) if facts.resolution_bp else (1, 3)
        assert head(GatedNet(dim=8)(batch), batch).shape == places


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
    model, batch = Transformer(dim=16, depth=2, heads=2, causal=True, dropout=0.0), batch_of(1, 20)
    before = model(batch).values
    batch.codes[0, 12:] = 3 - batch.codes[0, 12:].clamp(max=3)
    assert torch.equal(model(batch).values[:, :12], before[:, :12])
    assert not torch.equal(model(batch).values[:, 12:], before[:, 12:])


@pytest.mark.parametrize("stride", [1, 2, 4, 6, 8])
def test_a_stem_leaves_one_position_in_stride_bases(stride):
    model = Transformer(dim=8, depth=1, heads=2, stride=stride)
    for length in (1, 7, 24, 25):
        assert model(batch_of(2, length)).values.shape == (2, -(-length // stride), 8)


@pytest.mark.parametrize("stride", [1, 4])
def test_a_transformer_starts_with_unit_variance_from_the_first_layer_to_the_last_block(stride):
    torch.manual_seed(0)
    model, seen = Transformer(dim=64, depth=4, stride=stride, dropout=0.0).eval(), []
    first = [model.embedding] if stride == 1 else [model.stem.first, model.stem]
    for module in (*first, *model.blocks):
        module.register_forward_hook(lambda _, inputs, value: seen.append(value.std().item()))
    model(batch_of(4, 400))
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


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (Transformer, {"stride": 0}),
        (Transformer, {"dim": 0}),
        (Hyena, {"l_max": 40, "depth": 0}),
        (ConvNet, {"stride": 0}),
        (GatedNet, {"kernel": 0}),
        (ResNet, {"kernel": -1}),
        (ResNet, {"dim": 4}),
    ],
)
def test_sizes_that_build_nothing_are_refused(make, wrong):
    name, number = list(wrong.items())[-1]
    with pytest.raises(UserError, match=rf"model\.backbone\.{name}={number}: .*wanted"):
        make(**wrong)


@pytest.mark.parametrize(("kind", "other"), [("masked_lm", "hyena"), ("causal_lm", "hyenadna_tiny_1k")])
@pytest.mark.parametrize("name", ["basset", "cnn", "deepsea"])
def test_models_of_one_label_a_sequence_are_no_language_models(name, kind, other):
    with pytest.raises(UserError, match=rf"dataset\.kind={kind}: .*choose model={other}$"):
        built(name, kind=kind, classes=[])


def test_impossible_transformers_are_refused():
    with pytest.raises(UserError, match="must be even"):
        Transformer(dim=12, heads=4)
    with pytest.raises(UserError, match="use stride=1"):
        Transformer(causal=True, stride=4)


def test_the_gate_of_the_gated_net_reads_the_complement():
    torch.manual_seed(0)
    model, seen = GatedNet(dim=8, blocks=1), []
    model.stem_gate.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    model(Batch(torch.tensor([[0, 1, 4]], dtype=torch.uint8), torch.tensor([3]), torch.zeros(1), torch.zeros(1)))
    assert torch.equal(seen[0][0], F.one_hot(torch.tensor([3, 2, 0]), 4).float().T * torch.tensor([1.0, 1.0, 0.0]))
    assert isinstance(heads.default(model, told(50)), heads.PooledHead)
