"""SequenceModule: parameter groups, schedules, freezing, and a token model through the whole path."""

from functools import partial
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch import nn

from genolightning.batch import Batch, Features, Tokens
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.loader import BatchLoader
from genolightning.errors import Diverged, UserError
from genolightning.facts import Facts
from genolightning.models.convnet import ConvNet
from genolightning.training.averaging import Ema
from genolightning.training.checkpoints import read_checkpoint
from genolightning.training.module import SequenceModule, build_module
from genolightning.training.optimization import WarmupCosine, parameter_groups
from genolightning.training.tasks import for_facts

FACTS = Facts("binary", ["a", "b"], 30, 30, rows={"train": 64})
adamw = partial(torch.optim.AdamW, lr=1e-3, weight_decay=0.1)


def module(**more) -> SequenceModule:
    small = partial(ConvNet, dim=8, blocks=1)
    facts = more.pop("facts", FACTS)
    made = partial(SequenceModule, **{"backbone": small, "optimizer": adamw} | more)
    return build_module(made, facts=facts, task=for_facts(facts))


def table(rows: int = 64) -> ArraySource:
    codes = np.random.default_rng(0).integers(0, 4, (rows, 30)).astype(np.uint8)
    target = (codes == 0).sum(1) > 7
    return ArraySource(
        EncodedSplit("k", codes, target.astype(int), np.arange(rows).astype(str), np.arange(rows), {}, [])
    )


def fit(model: pl.LightningModule, loader, **more) -> pl.Trainer:
    trainer = pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **{"max_epochs": 1} | more,
    )
    trainer.fit(model, loader, BatchLoader(loader.source, batch_size=16))
    return trainer


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


@pytest.mark.parametrize("wish", ["average", "equivariant", "joint"])
def test_strands_of_tokens_are_refused(wish):
    with pytest.raises(UserError, match=r"model\.strand=none"):
        module(backbone=SixMers, strand=wish)


@pytest.mark.parametrize("decay", [None, 1, -0.1, "slow"])
def test_an_average_that_forgets_nothing_or_all_is_refused(decay):
    with pytest.raises(UserError, match=r"decay=.*wanted 0 to 1"):
        Ema(decay=decay)


def test_the_mean_of_the_weights_is_made_where_the_model_will_be():
    ema = Ema()
    ema.setup(SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("meta"))), module(), "fit")
    assert {weight.device.type for weight in ema._average_model.parameters()} == {"meta"}


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


def test_a_frozen_backbone_keeps_its_weights_and_running_means():
    model = module(freeze="backbone")
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    head = model.head.linear.weight.clone()
    fit(model, BatchLoader(table(), batch_size=16, shuffle=True), max_epochs=2)
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())
    assert not torch.equal(head, model.head.linear.weight)


def test_freezing_what_is_not_there_names_the_parts():
    with pytest.raises(UserError, match="there are backbone, head"):
        module(freeze="tail")


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


def test_a_loss_that_is_no_number_stops_the_run_with_its_own_exit_code():
    model = module()
    with torch.no_grad():
        model.head.linear.weight.fill_(float("nan"))
    with pytest.raises(Diverged, match="epoch 0, batch 0") as stop:
        fit(model, BatchLoader(table(), batch_size=16, shuffle=True), num_sanity_val_steps=0)
    assert stop.value.exit_code == 3


def test_training_learns_something():
    torch.manual_seed(0)
    model = module(optimizer=partial(torch.optim.AdamW, lr=1e-2))
    trainer = fit(model, BatchLoader(table(), batch_size=16, shuffle=True), max_epochs=15)
    assert trainer.callback_metrics["val/auroc"] > 0.9


def test_facts_and_config_travel_in_the_checkpoint(tmp_path):
    model = module()
    model.provenance = {"facts": FACTS.as_dict(), "config": {"seed": 1}}
    trainer = fit(model, BatchLoader(table(), batch_size=16, shuffle=True))
    trainer.save_checkpoint(tmp_path / "x.ckpt")
    assert Facts(**read_checkpoint(tmp_path / "x.ckpt")["genolightning"]["facts"]) == FACTS


def six_mers(codes: torch.Tensor, lengths: torch.Tensor) -> Tokens:
    """A toy tokenizer: six bases a token, what is left over is one token more."""
    count = -(-codes.shape[1] // 6)
    padded = nn.functional.pad(codes.long(), (0, count * 6 - codes.shape[1]), value=4)
    ids = (padded.unflatten(1, (count, 6)) * 5 ** torch.arange(6)).sum(-1)
    first = torch.arange(count) * 6
    last = torch.minimum(first + 5, lengths[:, None] - 1)
    return Tokens(ids, first < lengths[:, None], torch.stack([first.expand_as(last), last], -1))


class SixMers(nn.Module):
    """A backbone that reads tokens."""

    dim, stride = 8, None
    tokenize = staticmethod(six_mers)

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5**6, 8)

    def forward(self, batch: Batch) -> Features:
        assert batch.tokens is not None
        return Features(self.embedding(batch.tokens.ids), batch.tokens.mask, batch.tokens.spans)


@pytest.mark.parametrize("resolution", [None, 1])
def test_a_token_model_goes_through_loader_module_and_predictions(resolution):
    facts = FACTS._replace(resolution_bp=resolution)
    codes = np.random.default_rng(0).integers(0, 4, (20, 32)).astype(np.uint8)
    target = (codes == 0).astype(int) if resolution else np.arange(20) % 2
    store = EncodedSplit("k", codes, target, np.arange(20).astype(str), np.arange(20), {}, [])
    rows = ArraySource(store, resolution_bp=resolution)
    rows.tokenize(six_mers)
    model = module(facts=facts, backbone=SixMers)
    trainer = fit(model, BatchLoader(rows, batch_size=8, shuffle=True))
    made = trainer.predict(model, BatchLoader(rows, batch_size=8))
    assert torch.cat([values for _, values in made]).shape == ((20, 32) if resolution else (20,))


def test_tokens_made_once_are_those_made_a_batch_at_a_time():
    cached, fresh = table(), table()
    cached.tokenize(six_mers)
    for a, b in zip(
        BatchLoader(cached, batch_size=7), BatchLoader(fresh, batch_size=7, tokenize=six_mers), strict=True
    ):
        assert all(torch.equal(x, y) for x, y in zip(a.tokens, b.tokens, strict=True))
