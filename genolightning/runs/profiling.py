"""What a model costs: parameters and FLOPs, counted on shapes alone; milliseconds and memory, measured."""

import ctypes
import math
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.models.base import Backbone, input_of
from genolightning.runs.progress import silence_lightning

Builder = Callable[[], nn.Module]
WARM_BP = 64
TIMED_S, PASSES = 1.0, 20  # passes are repeated for so long, or so many times


class Measurement(NamedTuple):
    """The cost of one batch; None, with the reason in `why`, where it could not be measured."""

    forward_ms: float | None = None
    forward_backward_ms: float | None = None
    memory_mb: float | None = None
    why: str | None = None


def count_cost(build: Builder, length_bp: int) -> tuple[int, int | None]:
    """(parameters, FLOPs per base) of a model; of a language model's backbone, parameters with its tied head.

    FLOPs are those of the forward pass of one sequence, divided by its bases: a multiply-add is two, and where both
    strands are read both count. Matrix products, convolutions and attention are counted, and Fourier transforms as
    5 n log2 n (half of that where one side is real); elementwise operations are not. None if the
    model does not accept rows of this length.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights that are loaded into shapes
        try:
            with torch.device("meta"):  # shapes alone: nothing is stored, nothing computed
                module = build()
                flops = forward_flops(module, length_bp)
        except RuntimeError:  # an operation without a meta implementation
            module = build()
            flops = forward_flops(module, length_bp)
    backbone = getattr(module, "backbone", None)
    owner = backbone if isinstance(backbone, Backbone) and backbone.bases is not None else module
    parameters = sum(parameter.numel() for parameter in owner.parameters())
    return parameters, None if flops is None else round(flops / length_bp)


def too_short(module: nn.Module, length_bp: int) -> str | None:
    """A note with the model's maximum length if rows of `length_bp` exceed it, else None."""
    longest = input_of(module).max_bp
    return None if longest is None or longest >= length_bp else f"max {longest:,}"


def forward_flops(module: nn.Module, length_bp: int) -> int | None:
    """FLOPs of the forward pass of one sequence, on the device that the module is on; None if it is too long."""
    if too_short(module, length_bp):
        return None
    device = next(module.parameters()).device
    counter = FlopCounterMode(display=False, custom_mapping=FOURIER)
    with torch.no_grad(), counter, _autocast_passed_over() if device.type == "meta" else nullcontext():
        module.eval()(random_batch(1, length_bp, device))
    return int(counter.get_total_flops())


def _half(shape: Sequence[int], dims: Sequence[int], *_: Any, **__: Any) -> int:
    """FLOPs of a Fourier transform of real numbers."""
    return round(2.5 * math.prod(shape) * math.log2(max(2, math.prod(shape[dim] for dim in dims))))


def _half_back(shape: Sequence[int], dims: Sequence[int], *_: Any, out_shape: Sequence[int], **__: Any) -> int:
    return _half(out_shape, dims)


def _whole(shape: Sequence[int], dims: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * _half(shape, dims)


_aten = torch.ops.aten
FOURIER = {_aten._fft_r2c: _half, _aten._fft_c2r: _half_back, _aten._fft_c2c: _whole}


@contextmanager
def _autocast_passed_over() -> Iterator[None]:
    """Disable `torch.autocast(...)`, which torch 2.13 refuses on the meta device; the FLOP count does not change."""
    real = torch.autocast
    torch.autocast = lambda *_, **__: nullcontext()  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        torch.autocast = real  # type: ignore[misc]


def random_batch(rows: int, length_bp: int, device: torch.device) -> Batch:
    """Rows of random bases, none padded."""
    codes = torch.randint(0, 4, (rows, length_bp), dtype=torch.uint8, device=device)
    lengths = torch.full((rows,), length_bp, device=device)
    numbers = torch.arange(rows, device=device)
    return Batch(codes, lengths, numbers, numbers)


def measure_in_subprocess(build: Builder, length_bp: int, rows: int) -> Measurement:
    """`measure` in a process of its own, so that memory is its own, and running out of it ends that one alone.

    `build` has to be picklable.
    """
    context = get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        modules = [__name__, getattr(build, "func", build).__module__]
        context.set_forkserver_preload(modules)  # imports are paid for once
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(measure, build, length_bp, rows).result()
    except BrokenProcessPool:
        return Measurement(why="out of memory")


def measure(build: Builder, length_bp: int, rows: int) -> Measurement:
    """Least time of some passes over a batch, forward alone and forward and backward, and peak memory of the latter
    beyond the weights: activations, gradients and buffers, no optimiser. Of a CPU this is the growth of the
    process's resident set, of a GPU what torch's allocator handed out.
    """
    silence_lightning()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        module = build().to(device)
        if why := too_short(module, length_bp):
            return Measurement(why=why)
        _both(module, random_batch(2, min(length_bp, WARM_BP), device))
        module.zero_grad(set_to_none=True)
        batch = random_batch(rows, length_bp, device)
        before = _held(device)
        both = least(lambda: _both(module, batch), device)
        memory = _peak(device) - before
        module.zero_grad(set_to_none=True)
        with torch.inference_mode():
            module.eval()
            forward = least(lambda: module(batch), device)
    except UserError as error:
        return Measurement(why=str(error))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        return Measurement(why="out of memory")
    return Measurement(1e3 * forward, 1e3 * both, max(0.0, memory / 2**20))


def _both(module: nn.Module, batch: Batch) -> None:
    module.train().zero_grad(set_to_none=True)
    module(batch).float().square().mean().backward()


def least(run: Callable[[], object], device: torch.device) -> float:
    """The least seconds of some passes: of CPU time on one thread, which other work on the machine hardly changes."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    times: list[float] = []
    while not times or (sum(times) < TIMED_S and len(times) < PASSES):
        start = clock()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(clock() - start)
    return min(times)


def _held(device: torch.device) -> int:
    """Bytes in use now; `_peak` counts from this call on."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    if sys.platform != "linux":
        return _peak(device)
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)  # else the allocator reuses the warm-up's memory, which then does not count
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
