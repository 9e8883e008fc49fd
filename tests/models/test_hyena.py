"""Hyena sees what it should, and released weights fit."""

import pytest
import torch

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.hyena import Hyena, from_released
from tests.helpers.hyenas import batch_of, lively, network, operator

SIZES = {  # dim, depth, l_max, parameters with tied head: the released models
    "tiny_1k": (128, 2, 1_026, 436_096),
    "tiny_1k_d256": (256, 2, 1_026, 1_641_088),
    "small_32k": (256, 4, 32_770, 3_277_568),
    "large_1m": (256, 8, 1_000_002, 6_550_528),
}


def test_a_causal_model_reads_a_prefix_as_it_reads_the_whole():
    model, batch = network(), batch_of(50)
    whole = model(batch).values
    prefix = model(Batch(batch.codes[:, :20], torch.tensor([20]), batch.target, batch.index)).values
    torch.testing.assert_close(prefix, whole[:, :20], rtol=1e-4, atol=1e-4)


def test_every_position_of_a_bidirectional_model_sees_every_base():
    op = operator(causal=False)
    u = torch.randn(1, 12, 4, requires_grad=True)
    for t in (0, 5, 11):
        (gradient,) = torch.autograd.grad(op(u)[0, t].sum(), u)
        assert (gradient[0].abs().sum(1) > 1e-6).all()


@pytest.mark.parametrize("name", SIZES)
def test_released_sizes_have_their_published_numbers_of_parameters(name):
    dim, depth, l_max, count = SIZES[name]
    with torch.device("meta"):
        model = Hyena(dim=dim, depth=depth, l_max=l_max)
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    assert model.max_length_bp == l_max - 2


def released(model: Hyena, layout: str) -> dict[str, torch.Tensor]:
    """The weights of a model as HyenaDNA's authors hand them out."""
    ours = model.state_dict()
    t = torch.linspace(0, 1, model.l_max)[None, :, None]
    ours |= {f"layers.{i}.mixer.filter_fn.pos_emb.t": t for i in range(len(model.layers))}
    match layout:
        case "lightning":
            return {f"model.backbone.{name}": value for name, value in ours.items()} | {"model.lm_head.weight": t}
        case "checkpointed":
            ours = {
                name.replace(".mixer.", ".mixer.layer.").replace(".mlp.", ".mlp.layer."): value
                for name, value in ours.items()
            }
            return {f"model.backbone.{name}": value for name, value in ours.items()}
    kept = {name: value for name, value in ours.items() if not name.endswith(("3.freq", "5.freq"))}
    return {f"hyena.backbone.{name}": value for name, value in kept.items()}


@pytest.mark.parametrize("layout", ["lightning", "checkpointed", "hugging_face"])
def test_released_weights_fit_in_each_of_their_layouts(layout):
    theirs, ours, batch = network(), network(), batch_of(30, 20)
    lively(theirs)
    assert not torch.equal(ours(batch).values, theirs(batch).values)
    unused = ours.load_released(released(theirs, layout))
    assert torch.equal(ours(batch).values, theirs(batch).values)
    expected = {"layers.0.mixer.filter_fn.pos_emb.t", "layers.1.mixer.filter_fn.pos_emb.t"}
    assert set(unused) == expected | ({"model.lm_head.weight"} if layout == "lightning" else set())


def test_weights_of_another_model_are_refused_with_what_differs():
    with pytest.raises(UserError, match=r"ln_f.weight is missing, wanted \(16,\)"):
        network().load_released(
            {name: value for name, value in network().state_dict().items() if name != "ln_f.weight"}
        )
    with pytest.raises(UserError, match=r"is \(16, 32\), wanted \(16, 16\)"):
        network().load_released(Hyena(dim=32, depth=2, l_max=100).state_dict())
    with pytest.raises(UserError, match="l_max is 200, wanted 100"):
        network().load_released(from_released(released(network(l_max=200), "lightning")))


def test_filter_parameters_are_not_decayed_and_the_sines_share_their_frequencies():
    model = network()
    names = {
        name for name, parameter in model.named_parameters() if getattr(parameter, "_optim", {}) == {"weight_decay": 0}
    }
    assert names == {name for name, _ in model.named_parameters() if "filter_fn" in name}
    assert sum(name.endswith(".freq") for name, _ in model.named_parameters()) == 2
    assert sum(name.endswith(".freq") for name in model.state_dict()) == 6


def test_what_the_gates_multiply_starts_as_published_or_at_unit_variance():
    batch = batch_of(200, 200, 200, 200)
    spread = {}
    for unit_start in (False, True):
        torch.manual_seed(0)
        model = Hyena(dim=64, depth=1, l_max=202, causal=False, unit_start=unit_start)
        layer = model.layers[0]
        read = layer.norm1(model.embedding(model.tokens[batch.codes.long()]))
        with torch.no_grad():
            gates = layer.mixer.short_filter(layer.mixer.in_proj(read).transpose(1, 2))
        spread[unit_start] = (model.embedding.weight.std().item(), gates.std((0, 2)).square().mean().sqrt().item())
        assert layer.mixer.out_proj.weight.std().item() == pytest.approx(0.02 / 2**0.5, rel=0.05)
    assert spread[False] == (pytest.approx(0.02, rel=0.05), pytest.approx(0.02 * (64 / 3) ** 0.5, rel=0.15))
    assert spread[True] == (pytest.approx(1.0, rel=0.05), pytest.approx(1.0, rel=0.15))


def test_embeddings_that_a_language_head_reads_start_as_published():
    torch.manual_seed(0)
    model = Hyena(facts=Facts("masked_lm", [], 200, 200), dim=64, depth=1, causal=False, unit_start=True)
    assert model.embedding.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_codes_are_read_as_released_tokens():
    model = network()
    codes = torch.tensor([[0, 1, 2, 3, 4, 5, 4]], dtype=torch.uint8)
    seen = []
    model.embedding.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    model(Batch(codes, torch.tensor([6]), codes, codes))
    assert seen[0].tolist() == [[7, 8, 9, 10, 11, 3, 4]]


def test_checkpointing_computes_each_layer_twice_and_changes_neither_keys_nor_gradients():
    plain, saving, passes = network(), network(checkpointing=True), {}
    assert list(plain.state_dict()) == list(saving.state_dict())
    for model in (plain, saving):
        for layer in model.layers:
            layer.register_forward_pre_hook(lambda one, _: passes.update({one: passes.get(one, 0) + 1}))
        model(batch_of(30, 12)).values.square().sum().backward()
    assert [passes[layer] for model in (plain, saving) for layer in model.layers] == [1, 1, 2, 2]
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_a_limit_is_kept_and_without_one_the_facts_say_the_scale():
    with pytest.raises(UserError, match=r"reads 98 bp, a sequence has 101.*dataset\.too_long=crop"):
        network()(batch_of(101))
    facts = Facts("binary", ["a", "b"], 300, 250)
    free = Hyena(facts=facts, dim=16, depth=1, causal=False)
    assert (free.l_max, free.max_length_bp) == (300, None)
    assert free(batch_of(400)).values.isfinite().all()
    with pytest.raises(UserError, match="needs l_max"):
        Hyena(dim=16)
    with pytest.raises(UserError, match="order=1"):
        network(order=1)
