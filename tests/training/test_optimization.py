"""Parameter groups, layer-wise rates, schedules and clipping."""

from functools import partial

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.models.hyena import Hyena
from genolightning.training.module import SequenceModule
from genolightning.training.optimization import WarmupCosine, depth_shares, parameter_groups
from tests.helpers.training import fit, module, table


class NormsSeen(pl.Callback):
    """The norm of all gradients at each step, as the optimiser meets them."""

    def __init__(self) -> None:
        self.norms = list[float]()

    def on_before_zero_grad(self, trainer, model, optimizer) -> None:
        found = [p.grad for p in model.parameters() if p.grad is not None]
        if found:
            self.norms.append(torch.cat([grad.flatten() for grad in found]).norm().item())


@pytest.mark.parametrize(
    ("clip", "word", "most"), [(1e-3, None, 1e-3), (None, None, None), (1e-3, 1e-2, 1e-2), (1e-3, 0, None)]
)
def test_gradients_are_clipped_by_the_model_unless_the_trainer_has_a_word(clip, word, most):
    torch.manual_seed(0)
    seen = NormsSeen()
    fit(module(clip=clip), BatchLoader(table(), batch_size=16), gradient_clip_val=word, callbacks=[seen])
    norms = [norm for norm in seen.norms if norm > 0]
    assert norms
    if most is None:
        assert max(norms) > 2e-2
    else:
        assert norms == pytest.approx([most] * len(norms), rel=1e-3)


@pytest.mark.parametrize("clip", [0, -1, "hard"])
def test_a_clip_that_is_no_norm_is_refused(clip):
    with pytest.raises(UserError, match="wanted a norm above 0"):
        module(clip=clip)


def test_a_way_of_clipping_without_a_bound_is_refused():
    with pytest.raises(UserError, match=r"add trainer\.gradient_clip_val=N"):
        fit(module(clip=1.0), BatchLoader(table(), batch_size=16), gradient_clip_algorithm="value")


def test_a_schedule_without_an_end_is_refused():
    with pytest.raises(UserError, match=r"trainer\.max_steps=N"):
        fit(module(scheduler=WarmupCosine), BatchLoader(table(), batch_size=16), max_epochs=-1)


def test_norms_biases_and_embeddings_are_not_decayed():
    model = module()
    model.backbone.names = nn.Embedding(5, 8)
    decayed = {p for group in parameter_groups(model) if "weight_decay" not in group for p in group["params"]}
    kept = {p for group in parameter_groups(model) if group.get("weight_decay") == 0 for p in group["params"]}
    assert model.backbone.stem.weight in decayed
    assert {model.backbone.stem.bias, model.backbone.norm.weight, model.backbone.names.weight} <= kept
    assert decayed | kept == set(model.parameters())


def test_a_parameter_says_its_own_wishes():
    model = module()
    model.backbone.stem.weight._optim = {"lr": 1e-5}
    rates = {group.get("lr") for group in parameter_groups(model) if model.backbone.stem.weight in set(group["params"])}
    assert rates == {1e-5}


def test_the_rate_warms_up_and_ends_at_the_floor():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = WarmupCosine(optimizer, 100, warmup=0.1, floor=0.2)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_the_schedule_is_as_long_as_the_trainer_says():
    model = module(scheduler=partial(WarmupCosine, warmup=0.1))
    trainer = fit(model, BatchLoader(table(), batch_size=16, shuffle=True), max_epochs=3)
    assert trainer.global_step == 12
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)


def hyena(**more) -> SequenceModule:
    return module(backbone=partial(Hyena, dim=8, depth=3), **more)


def test_rates_fall_with_the_distance_from_the_head():
    model = hyena()
    shares = depth_shares(model, 0.5)
    assert set(shares) == set(model.parameters())
    assert shares[model.head.linear.weight] == shares[model.backbone.ln_f.weight] == 1
    for i, share in enumerate((0.125, 0.25, 0.5)):
        assert {shares[weight] for weight in model.backbone.layers[i].parameters()} == {share}
    assert shares[model.backbone.embedding.weight] == 0.0625


def test_a_backbone_without_layers_is_one_layer():
    model = module()
    model.backbone = nn.Linear(2, 2)
    assert set(depth_shares(model, 0.5).values()) == {0.5, 1}


def test_every_rate_follows_the_schedule_and_keeps_its_share():
    model = hyena(layer_decay=0.5, scheduler=partial(WarmupCosine, warmup=0.5, floor=0.5))
    rows = BatchLoader(table(), batch_size=16, shuffle=True)
    optimizer = fit(model, rows, max_steps=4).optimizers[0]
    shares = depth_shares(model, 0.5)
    rates = {weight: group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    top = max(rates.values())
    assert all(rates[weight] == pytest.approx(top * shares[weight]) for weight in model.parameters())
    assert optimizer.param_groups[0]["lr"] == top
    filters = model.backbone.layers[0].mixer.filter_fn.implicit_filter[0].weight
    assert next(g for g in optimizer.param_groups if any(filters is w for w in g["params"]))["weight_decay"] == 0


def test_a_decay_of_one_trains_as_none_does():
    found = []
    for decay in (None, 1.0):
        torch.manual_seed(0)
        model = module(layer_decay=decay)
        fit(model, BatchLoader(table(), batch_size=16), max_epochs=1)
        found.append([weight.detach().clone() for weight in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_decay_that_is_no_share_is_refused():
    with pytest.raises(UserError, match="above 0 and up to 1"):
        module(layer_decay="strong")
