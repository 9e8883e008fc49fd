"""The Hyena operator is its equations."""

import copy

import pytest
import torch
from torch.nn import functional as F

from genolightning.models.hyena_operator import HyenaOperator, ImplicitFilter, fft_length, long_convolution
from tests.helpers.hyenas import operator


def direct(op: HyenaOperator, u: torch.Tensor) -> torch.Tensor:
    """The operator's equations as sums over lags, in float64, for one sequence (length, dim)."""
    length, channels = len(u), (op.order + 1) * op.dim
    filters = op.filter_fn(length).double().unflatten(1, (op.order - 1, op.dim))
    op = copy.deepcopy(op).double()
    p = u.double() @ op.in_proj.weight.T + op.in_proj.bias
    taps, back = op.short_filter.weight[:, 0], 2 if op.causal else 1
    short = op.short_filter.bias.expand(length, channels).clone()
    for t in range(length):
        for k in range(3):
            if 0 <= t + k - back < length:
                short[t] += taps[:, k] * p[t + k - back]
    *gates, v = short.split(op.dim, 1)
    for o, gate in enumerate(reversed(gates[1:])):
        g, v = v * gate, v * gate * op.filter_fn.bias.view(-1, op.dim)[o]
        for t in range(length):
            for s in range(t + 1 if op.causal else length):
                v[t] += filters[0 if s <= t else 1, o, :, abs(t - s)] * g[s]
    return (v * gates[0]) @ op.out_proj.weight.T + op.out_proj.bias


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("length", [1, 2, 23])
def test_the_operator_is_its_equations(order, causal, length):
    op = operator(order=order, causal=causal)
    u = torch.randn(2, length, 4)
    expected = torch.stack([direct(op, one) for one in u])
    torch.testing.assert_close(op(u).double(), expected, rtol=1e-4, atol=1e-4)


def test_the_filter_network_reads_time_and_waves_and_its_window_decays():
    torch.manual_seed(0)
    made = ImplicitFilter(3, l_max=50, emb_dim=7, shift=0.1)
    t = torch.arange(50, dtype=torch.float64)[:, None]
    angle = torch.linspace(1e-4, 2, 3, dtype=torch.float64) * 2 * torch.pi * t / 50
    z = torch.cat([t / 49, angle.cos(), -angle.sin()], 1)
    net = copy.deepcopy(made.implicit_filter).double()
    for linear in (net[0], net[2], net[4]):
        z = torch.sin(10.0 * linear(z))
    window = torch.exp(-t / 49 * torch.tensor([3.0701, 9.2103, 15.3506])) + 0.1
    torch.testing.assert_close(made(50)[0].T.double(), net[6](z) * window, rtol=1e-3, atol=1e-4)


def test_a_two_sided_filter_is_centred_on_its_own_position():
    torch.manual_seed(0)
    op = operator(causal=False, dim=3)
    length = 16
    kernel, filters = op.kernel(length), op.filter_fn(length)
    for place in (0, 7, 15):
        impulse = F.one_hot(torch.tensor(place), length).float().expand(1, 3, length)
        seen = long_convolution(impulse, kernel)[0]
        for t in range(length):
            expected = filters[0, :, t - place] if t >= place else filters[1, :, place - t]
            torch.testing.assert_close(seen[:, t], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("causal", [True, False])
def test_filters_do_not_depend_on_how_long_the_batch_is(causal):
    made = operator(causal=causal).filter_fn
    torch.testing.assert_close(made(40)[..., :9], made(9))
    assert made(60).shape[-1] == 60  # carried on beyond l_max


@pytest.mark.parametrize("length", [1, 2, 5, 101, 251, 300, 1_024])
def test_transforms_hold_a_linear_convolution(length):
    assert 2 * length <= fft_length(length) <= 4 * length
