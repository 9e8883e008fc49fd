"""Freezing parts of a model."""

import pytest
import torch

from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from tests.helpers.training import fit, module, table


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
