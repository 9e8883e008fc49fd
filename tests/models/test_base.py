"""What others read of a backbone, ours or a user's own plain module."""

from functools import partial

import pytest
import torch
from torch import nn

from genolightning.batch import Features
from genolightning.facts import Facts
from genolightning.models.base import Backbone, InputSpec, build_backbone, input_of
from tests.models.test_laws import MODELS, batch_of, built

FACTS = Facts("binary", ["a", "b"], 60, 60)


class Plain(nn.Module):
    """A user's own backbone, which knows nothing of ours."""

    dim, stride, max_length_bp = 4, 1, 99

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(6, 4)

    def forward(self, batch):
        return Features(self.embedding(batch.codes.long()), batch.codes < 4)


class WithFacts(Plain):
    def __init__(self, *, facts: Facts) -> None:
        super().__init__()
        self.seen = facts


def test_a_plain_module_is_given_defaults_and_no_weights_of_other_names():
    module = build_backbone(partial(Plain, scale=2.0), FACTS)
    assert module.input == InputSpec(max_bp=99)
    assert (module.causal, module.positions, module.receptive_field_bp) == (False, None, None)
    assert module.language_embedding is module.embedding
    assert list(module.state_dict()) == ["embedding.weight"]


def test_facts_are_given_where_a_constructor_has_the_parameter():
    assert build_backbone(WithFacts, FACTS).seen is FACTS
    assert build_backbone(partial(WithFacts), FACTS).seen is FACTS


@pytest.mark.parametrize("name", MODELS)
def test_every_backbone_of_the_zoo_is_one(name):
    model = built(name)
    assert isinstance(model.backbone, Backbone)
    assert model.input == input_of(model) == InputSpec(max_bp=model.max_length_bp)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_the_bases_and_outputs_from_bases_are_those_from_codes(name):
    model, batch = built(name).eval(), batch_of(60, 44)
    given = batch.with_bases()
    logits = model(given)
    torch.testing.assert_close(logits, model(batch), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(logits.sum(), given.bases)
    real = (batch.codes < 4)[:, None]
    assert (gradient * real).abs().amax() > 0
    moved = model(batch._replace(bases=given.bases.detach().roll(1, 1))).detach()
    assert not torch.allclose(moved, logits, atol=1e-6)
