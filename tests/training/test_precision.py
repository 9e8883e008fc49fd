"""Reduced precision is compared with float32 before a run begins."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from genolightning.errors import UserError
from genolightning.models.cnn import CNN
from genolightning.training.precision import check_reduced_precision
from tests.models.test_laws import LENGTH_BP, ONE_A_FAMILY, batch_of, built


def trainer(precision):
    return SimpleNamespace(precision=precision, strategy=SimpleNamespace(root_device=torch.device("cpu")))


@pytest.fixture
def wrong_bf16(monkeypatch):
    """Convolutions that are several standard deviations off in bf16, as torch 2.13 has some on CPUs with AMX."""
    right = F.conv1d

    def conv1d(values, weight, *args, **kwargs):
        reduced = torch.is_autocast_enabled("cpu") or weight.dtype == torch.bfloat16
        out = right(values, weight, *args, **kwargs)
        return out.roll(1, 1) + 3 * out.std() if reduced else out

    monkeypatch.setattr(F, "conv1d", conv1d)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_every_model_of_the_zoo_passes_and_is_left_as_it_was(name, precision):
    model, state = built(name), torch.get_rng_state()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    check_reduced_precision(model, trainer(precision), lambda: [batch_of(*[LENGTH_BP] * 40)])
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_a_layer_that_is_wrong_in_bf16_is_found(precision, wrong_bf16):
    with pytest.raises(UserError, match=r"use trainer\.precision=32-true"):
        check_reduced_precision(built("convnet"), trainer(precision), lambda: [batch_of(*[LENGTH_BP] * 40)])


def test_in_float32_no_batch_is_read():
    check_reduced_precision(built("convnet"), trainer("32-true"), lambda: iter(()))


def test_the_one_hot_convolution_of_cnn_stays_in_float32(wrong_bf16):
    torch.manual_seed(0)
    backbone = CNN(facts=built("cnn").facts)
    symbols = backbone.framed(batch_of(60, 44))
    with torch.no_grad():
        expected = backbone.first(symbols)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(backbone.first(symbols), expected)
