"""The Hyena operator: gates between long convolutions, whose filters are a small network of the lag.

Poli et al. 2023, "Hyena Hierarchy" (arXiv 2302.10866), with the parameter names of the released HyenaDNA weights.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genolightning.errors import UserError

FILTER_WIDTH, SINE_FREQUENCY, SHORT_TAPS = 64, 10.0, 3
SLOW_DECAY, FAST_DECAY = math.log(0.01) / 1.5, math.log(0.01) / 0.3  # the window falls to .01 at 1.5 and .3 of l_max


class Sine(nn.Module):
    """sin(freq * x), one trained frequency a channel."""

    def __init__(self, dim: int, frequency: float) -> None:
        super().__init__()
        self.freq = nn.Parameter(frequency * torch.ones(1, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(length, dim) to the same."""
        y: Tensor = torch.sin(self.freq * x)
        return y


class ImplicitFilter(nn.Module):
    """Long filters as a function of the lag: a small network of sines times a window that decays.

    Lags count in units of `l_max`, never of the batch at hand, so a filter does not depend on batch mates. `bias` is
    the operator's skip, one number a channel. No parameter is decayed.
    """

    def __init__(self, channels: int, *, l_max: int, sides: int = 1, emb_dim: int = 5, shift: float = 0.05) -> None:
        super().__init__()
        if emb_dim < 3 or emb_dim % 2 == 0:
            raise UserError(f"emb_dim={emb_dim}: wanted an odd number from 3 on: time, cosines and sines")
        self.l_max, self.sides, self.bands, self.shift = l_max, sides, (emb_dim - 1) // 2, shift
        self.bias = nn.Parameter(torch.randn(channels))
        sine = Sine(FILTER_WIDTH, SINE_FREQUENCY)  # one for all three layers
        self.implicit_filter = nn.Sequential(
            *(nn.Linear(emb_dim, FILTER_WIDTH), sine),
            *(nn.Linear(FILTER_WIDTH, FILTER_WIDTH), sine),
            *(nn.Linear(FILTER_WIDTH, FILTER_WIDTH), sine),
            nn.Linear(FILTER_WIDTH, sides * channels, bias=False),
        )
        for parameter in self.parameters():
            parameter._optim = {"weight_decay": 0.0}  # type: ignore[attr-defined]

    def forward(self, length: int) -> Tensor:
        """Filters at lags 0 to length - 1: float (sides, channels, length)."""
        last: nn.Linear = self.implicit_filter[-1]  # type: ignore[assignment]
        with torch.autocast(last.weight.device.type, enabled=False):
            time, embedding = self.positions(length)
            hidden = self.implicit_filter[:-1](embedding.to(last.weight.dtype))
            waves = (last.weight @ hidden.T).float().unflatten(0, (self.sides, -1))
            deltas = torch.linspace(SLOW_DECAY, FAST_DECAY, waves.shape[1], device=time.device).abs()
            filters: Tensor = waves * (torch.exp(-deltas[:, None] * time) + self.shift)
            return filters

    def positions(self, length: int) -> tuple[Tensor, Tensor]:
        """Lags as the network reads them: t (length,) and z = [t, cos, -sin] (length, emb_dim), of the Hyena paper.

        Three sines of ten times their input make a rounding here a thousand times larger: it is computed as published.
        """
        device = self.bias.device
        lag = torch.arange(length, device=device, dtype=torch.float32)
        time = torch.linspace(0, 1, self.l_max, device=device)[:length]
        time = torch.cat([time, lag[self.l_max :] / (self.l_max - 1)])
        bands = torch.linspace(1e-4, self.bands - 1, self.bands, device=device)
        angle = 2 * math.pi * lag / self.l_max
        wave = torch.exp(-1j * bands * angle[:, None])
        return time, torch.cat([time[:, None], wave.real, wave.imag], 1)


class HyenaOperator(nn.Module):
    """Projections, a short filter, then `order - 1` times: gate and long convolution; a last gate, a last projection.

    With order 2: y = out(x0 * (h * (x1 v) + bias x1 v)). Causal: h has lags from 0 on. Else it is two-sided, and so is
    the short filter; padding is then zeroed before each filter, for it would be seen from its left.
    """

    def __init__(self, dim: int, *, l_max: int, order: int, causal: bool, emb_dim: int, shift: float) -> None:
        super().__init__()
        if order < 2:
            raise UserError(f"order={order}: wanted 2 or more")
        self.dim, self.order, self.causal = dim, order, causal
        inner = (order + 1) * dim
        self.in_proj, self.out_proj = nn.Linear(dim, inner), nn.Linear(dim, dim)
        self.short_filter = nn.Conv1d(inner, inner, SHORT_TAPS, padding=2 if causal else 1, groups=inner)
        sides = 1 if causal else 2
        channels = dim * (order - 1)
        self.filter_fn = ImplicitFilter(channels, l_max=l_max, sides=sides, emb_dim=emb_dim, shift=shift)

    def forward(self, u: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, length, dim) to the same; mask is bool (batch, length), or None where nothing needs hiding."""
        length = u.shape[1]
        shown = None if mask is None else mask[:, None].to(u.dtype)
        projected = self.in_proj(u).transpose(1, 2)
        projected = projected if shown is None else projected * shown
        *gates, v = self.short_filter(projected)[..., :length].split(self.dim, 1)
        kernels = torch.split(self.kernel(length), self.dim)
        skips = torch.split(self.filter_fn.bias, self.dim)
        for gate, kernel, skip in zip(reversed(gates[1:]), kernels, skips, strict=True):
            v = v * gate
            v = v if shown is None else v * shown
            v = long_convolution(v, kernel) + v * skip[:, None].to(v.dtype)
        y: Tensor = self.out_proj((v * gates[0]).transpose(1, 2))
        return y

    def kernel(self, length: int) -> Tensor:
        """Filters as `long_convolution` takes them, (channels, length) or circular (channels, fft_length(length))."""
        sides = self.filter_fn(length)
        if self.causal:
            only: Tensor = sides[0]
            return only
        ahead = sides[1, :, 1:].flip(-1)  # lags -(length - 1) to -1; lag 0 is the forward filter's
        return torch.cat([F.pad(sides[0], (0, fft_length(length) - 2 * length + 1)), ahead], -1)


def fft_length(length: int) -> int:
    """A transform that holds a linear convolution of `length` of both sides, and is quick to compute.

    >>> [fft_length(length) for length in (1, 5, 300, 1000, 1024)]
    [2, 10, 640, 2048, 2048]
    """
    power = max(1, 2 * length - 1).bit_length()
    sizes: list[int] = [eighths * 2**power // 8 for eighths in (5, 6, 8)]
    return next(n for n in sizes if n >= 2 * length)


def long_convolution(v: Tensor, kernel: Tensor) -> Tensor:
    """Convolve each channel with its own filter, in float32 by way of the Fourier transform.

    v (batch, dim, length); kernel (dim, length) of lags 0, 1, ..., or circular (dim, fft_length), lag -1 at its end.
    A causal one is transformed at twice the length and scaled beforehand, as published: over 16,386 bases rounding
    alone moves features by 5e-5 of their deviation, and released weights should give what they gave.
    """
    length = v.shape[-1]
    n = kernel.shape[-1] if kernel.shape[-1] > length else 2 * length
    with torch.autocast(v.device.type, enabled=False):
        spectrum = torch.fft.rfft(v.float(), n=n) * (torch.fft.rfft(kernel.float(), n=n) / n)
        y: Tensor = torch.fft.irfft(spectrum, n=n, norm="forward")[..., :length].to(v.dtype)
        return y
