"""SequenceModule: losses, checkpoints, and a token model through the loader, the module and predictions."""

from functools import partial

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
from genolightning.genome.codes import Codes
from genolightning.training.checkpoints import read_checkpoint
from tests.helpers.training import FACTS, fit, module, table


@pytest.mark.parametrize("wish", ["average", "equivariant", "joint"])
def test_strands_of_tokens_are_refused(wish):
    with pytest.raises(UserError, match=r"model\.strand=none"):
        module(backbone=SixMers, strand=wish)


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
    store = EncodedSplit("k", Codes(codes), target, np.arange(20).astype(str), np.arange(20), {}, [])
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
