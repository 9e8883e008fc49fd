"""What a model costs: counted on shapes, measured on batches."""

import pytest
import torch
from torch import nn

from genolightning.errors import UserError
from genolightning.models.base import InputSpec
from genolightning.runs import profiling
from genolightning.runs.profiling import Measurement, count_cost, least, measure, random_batch, too_short

CPU = torch.device("cpu")


class Plain(nn.Module):
    """A convolution of three bases over four channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 3, padding=1, bias=False)

    def forward(self, batch):
        return self.conv(batch.channels()).mean((1, 2))


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(profiling, "TIMED_S", 0.0)


def test_a_convolution_costs_two_flops_a_multiply_add_whatever_the_length():
    assert count_cost(Plain, 64) == count_cost(Plain, 256) == (4 * 8 * 3, 2 * 4 * 8 * 3)


def test_rows_that_are_too_long_have_no_cost(monkeypatch):
    monkeypatch.setattr(profiling, "input_of", lambda _: InputSpec(max_bp=1000))
    assert too_short(Plain(), 1000) is None
    assert too_short(Plain(), 1001) == "max 1,000"
    assert count_cost(Plain, 1001) == (96, None)
    assert measure(Plain, 1001, 2) == Measurement(why="max 1,000")


def test_random_rows_are_full_of_bases():
    batch = random_batch(5, 9, CPU)
    assert (batch.codes.shape, batch.codes.dtype) == ((5, 9), torch.uint8)
    assert int(batch.codes.max()) < 4
    assert batch.lengths.tolist() == [9] * 5


def test_a_measurement_has_times_and_memory(brief):
    measured = measure(Plain, 64, 2)
    assert measured.why is None
    assert measured.forward_ms > 0
    assert measured.forward_backward_ms > 0
    assert measured.memory_mb >= 0


@pytest.mark.parametrize(
    ("error", "why"), [(UserError("no weights"), "no weights"), (RuntimeError("out of memory: 9 GB"), "out of memory")]
)
def test_a_model_that_cannot_be_built_says_why(error, why):
    def build() -> nn.Module:
        raise error

    assert measure(build, 64, 2) == Measurement(why=why)


def test_another_error_of_torch_is_not_hidden():
    def build() -> nn.Module:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        measure(build, 64, 2)


def test_passes_are_repeated_up_to_a_number_and_at_least_once(monkeypatch):
    calls = []
    monkeypatch.setattr(profiling, "TIMED_S", 1e9)
    assert least(lambda: calls.append(1), CPU) >= 0
    assert len(calls) == profiling.PASSES
    monkeypatch.setattr(profiling, "TIMED_S", 0.0)
    least(lambda: calls.append(1), CPU)
    assert len(calls) == profiling.PASSES + 1


def test_autocast_is_what_it_was_after_counting():
    before = torch.autocast
    count_cost(Plain, 32)
    assert torch.autocast is before
