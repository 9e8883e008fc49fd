"""Language models of DNA: what is predicted, what is counted, and that a model learns from it."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts
from genolightning.models import heads
from genolightning.models.convnet import ConvNet
from genolightning.models.hyena import Hyena
from genolightning.models.resnet import CNNProbe
from genolightning.models.transformer import Transformer
from genolightning.statistics.evaluate import evaluate
from genolightning.training.language_tasks import CausalLM, MaskedLM
from genolightning.training.tasks import for_facts


def told(kind: str) -> Facts:
    return Facts(kind, [], 64, 64)


def windows(rows: int = 8, length: int = 64, *, unknown: float = 0.1) -> Batch:
    torch.manual_seed(0)
    codes = torch.randint(0, 4, (rows, length), dtype=torch.uint8)
    codes[torch.rand(codes.shape) < unknown] = 4
    target = torch.where(codes < 4, codes.long(), NO_LABEL)
    return Batch(codes, torch.full((rows,), length), target, torch.arange(rows))


def test_facts_choose_the_task():
    assert isinstance(for_facts(told("causal_lm")), CausalLM)
    assert isinstance(for_facts(told("masked_lm")), MaskedLM)


def test_a_causal_model_is_asked_for_the_next_base_where_it_is_known():
    batch = windows()
    asked = CausalLM().prepare(batch)
    assert torch.equal(asked.codes, batch.codes)
    assert torch.equal(asked.target[:, :-1], batch.target[:, 1:])
    assert (asked.target[:, -1] == NO_LABEL).all()


@pytest.mark.parametrize("training", [True, False])
def test_masking_asks_for_15_percent_and_hides_80_10_10_of_them_among_the_four_bases(training):
    batch = windows(400, 500)
    asked = MaskedLM().train(training).prepare(batch)
    where, known = asked.target != NO_LABEL, batch.codes < 4
    assert not (where & ~known).any()
    assert torch.equal(asked.target[where], batch.codes[where].long())
    assert torch.equal(asked.codes[~where], batch.codes[~where])
    count = int(where.sum())
    assert abs(count / known.sum() - 0.15) < 0.005
    masked = (asked.codes[where] == 5).sum() / count
    same = (asked.codes[where] == batch.codes[where]).sum() / count
    assert abs(masked - 0.8) < 0.01
    assert abs(same - (0.1 + 0.1 / 4)) < 0.01  # a base drawn at random is the same one in four times
    shown = asked.codes[where & (asked.codes != 5)]
    assert shown.max() < 4
    shares = torch.bincount(shown[shown != batch.codes[where & (asked.codes != 5)]].long()) / count
    assert (shares - 0.075 / 4).abs().max() < 0.004


def test_outside_training_the_same_is_asked_whatever_the_batch_and_in_training_it_is_drawn():
    task, batch = MaskedLM(), windows()
    once = task.eval().prepare(batch)
    rows = torch.tensor([5, 2])
    again = task.eval().prepare(Batch(*(part[rows] for part in batch[:4])))
    assert torch.equal(once.codes[rows], again.codes)
    assert torch.equal(once.target[rows], again.target)
    drawn = [task.train().prepare(batch).codes for _ in range(2)]
    assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize("task", [CausalLM(), MaskedLM()])
def test_a_model_that_knows_nothing_takes_two_bits_a_base(task):
    batch = task.eval().prepare(windows())
    logits, scores = torch.zeros(8, 64, 4), task.metrics()
    scores.update(*task.metric_inputs(logits, batch.target))
    assert scores.compute()["bits_per_base"].item() == pytest.approx(2)
    assert scores.compute()["perplexity"].item() == pytest.approx(4)
    assert task.loss(logits, batch.target).item() == pytest.approx(math.log(4))


def test_validation_scores_are_those_of_the_statistics_and_the_loss_is_the_mean_over_bases():
    task, batch = CausalLM(), windows(6)
    asked, logits = task.eval().prepare(batch), torch.randn(6, 64, 4)
    scores = task.metrics()
    for half in (slice(0, 2), slice(2, 6)):
        scores.update(*task.metric_inputs(logits[half], asked.target[half]))
    nats, bases = task.negative_log_likelihood(logits, asked.target).double().numpy().T
    expected = evaluate("causal_lm", bases, nats, resamples=10)
    for name, value in scores.compute().items():
        assert value.item() == pytest.approx(expected[name].value, rel=1e-6)
    mean = F.cross_entropy(logits.flatten(0, 1), asked.target.flatten(), ignore_index=NO_LABEL)
    torch.testing.assert_close(task.loss(logits, asked.target), mean)
    assert np.isfinite(nats).all()


def test_a_batch_of_nothing_but_n_has_no_loss():
    task, batch = MaskedLM(), windows(unknown=1.1)
    assert task.loss(torch.randn(8, 64, 4), task.train().prepare(batch).target) == 0


def test_the_head_is_tied_to_the_rows_of_the_embedding_that_stand_for_bases():
    backbone = Hyena(dim=16, depth=1, l_max=100)
    head = heads.default(backbone, told("causal_lm"))
    assert head.embedding is backbone.embedding
    features = backbone(windows())
    expected = features.values @ backbone.embedding.weight[7:11].T
    torch.testing.assert_close(head(features, windows()), expected)


def test_models_without_an_embedding_get_a_map_of_their_own():
    backbone = CNNProbe(dim=8)
    assert heads.default(backbone, told("masked_lm"))(backbone(windows()), windows()).shape == (8, 64, 4)


def test_models_that_would_see_the_answer_or_have_no_place_for_it_are_refused():
    with pytest.raises(UserError, match="use dataset.kind=masked_lm"):
        heads.default(Transformer(dim=16, depth=1, heads=2), told("causal_lm"))
    with pytest.raises(UserError, match="stride=1"):
        heads.default(ConvNet(dim=8, blocks=1, stride=4), told("masked_lm"))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("causal_lm", partial(Hyena, dim=32, depth=1, l_max=70, embed_dropout=0.0)),
        ("causal_lm", partial(Transformer, dim=32, depth=1, heads=2, causal=True, dropout=0.0)),
        ("masked_lm", partial(Hyena, dim=32, depth=1, l_max=70, causal=False, embed_dropout=0.0)),
    ],
)
def test_a_language_model_learns_a_repeat(kind, make):
    torch.manual_seed(0)
    task, backbone = for_facts(told(kind)), make()
    head = heads.default(backbone, told(kind))
    optimizer = torch.optim.Adam({*backbone.parameters(), *head.parameters()}, lr=5e-3)
    repeat = torch.tensor([0, 0, 1, 2, 3, 1]).repeat(12)
    for _ in range(120):
        codes = torch.stack([repeat[start : start + 60] for start in torch.randint(0, 6, (8,))])
        batch = task.train().prepare(Batch(codes.to(torch.uint8), torch.full((8,), 60), codes, torch.arange(8)))
        loss = task.loss(head(backbone(batch), batch), batch.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5 * math.log(4)
