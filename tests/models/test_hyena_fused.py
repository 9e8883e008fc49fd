"""The fused Hyena block computes the same as the plain one."""

import pytest
import torch

from genolightning.batch import base_mask
from genolightning.models import hyena
from tests.helpers.hyenas import batch_of, network


@pytest.mark.parametrize("causal", [True, False])
def test_the_fast_path_agrees_with_the_plain_one_in_values_and_gradients(causal, monkeypatch):
    block, mask = network(causal=causal, l_max=200).layers[0], base_mask(torch.tensor([70, 64, 7, 1]), 70)
    monkeypatch.setattr("genolightning.models.hyena_fused.GROUP", 700)  # several groups of samples and of channels
    monkeypatch.setattr("genolightning.models.hyena_fused.MLP_ROWS", 100)
    start, weight, seen = torch.randn(4, 70, 16), torch.randn(4, 70, 16) * mask[..., None], []
    for fused in (True, False):
        monkeypatch.setattr(hyena.HyenaBlock, "fused", fused)
        block.zero_grad()
        x = start.clone().requires_grad_()
        y = block(x, None if causal else mask)
        (y * weight).sum().backward()
        gradients = {name: parameter.grad for name, parameter in block.named_parameters()}
        seen.append({"values": y.detach() * mask[..., None], "input": x.grad, **gradients})
    for name, expected in seen[1].items():
        assert (seen[0][name] - expected).abs().max() <= 1e-5 * expected.abs().max(), name


def test_the_fast_path_is_taken_where_it_suits_only(monkeypatch):
    taken = []
    monkeypatch.setattr(hyena.HyenaBlock, "_fused_forward", lambda block, x, mask: taken.append(1) or x)
    batch = batch_of(9)
    network()(batch)
    assert len(taken) == 2
    network(order=3)(batch)
    network(dropout=0.1)(batch)
    network().double()(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network()(batch)
    with torch.no_grad():  # rounds as published
        network()(batch)
    assert len(taken) == 2


def test_buffers_made_without_gradients_serve_training_too():
    model = network(causal=False)
    hyena.hyena_fused._kept.__dict__.clear()
    with torch.inference_mode():
        model(batch_of(30))
    model(batch_of(30)).values.sum().backward()
