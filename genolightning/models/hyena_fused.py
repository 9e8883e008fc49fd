"""The Hyena block in few passes over memory: what `hyena.Block` defines, for order 2, float32 and a CPU.

There, time goes into matrix products and into touching fresh memory, hardly into Fourier transforms. So each half block
is one function with its own backward: it works on a sample and a group of channels (or on a group of positions) at a
time in buffers that stay in the cache, lets matrix products read transposed views, and keeps for the backward its
input, one projection and the convolution's output. The filters' spectrum is made once, its gradient summed over the
batch as a spectrum. Tests hold it against the plain block, values and gradients.
"""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from genolightning.models.hyena import Block

GROUP = 2**17  # numbers a buffer holds: positions times channels
ROWS = 512  # positions the MLP reads at once
STEEP, CUBIC = 2 * math.sqrt(2 / math.pi), 0.044715  # gelu(a) = a sigmoid(STEEP (a + CUBIC a^3)), the tanh form exactly


def suits(block: "Block", x: Tensor) -> bool:
    """Whether this path computes the block: a CPU, float32, no autocast, no dropout at work, order 2, not traced.

    A causal block is left to the plain path where no gradient is wanted: that one rounds as the published network does.
    """
    if block.mixer.order != 2 or (block.training and block.dropout.p > 0) or torch.compiler.is_compiling():
        return False
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or (block.mixer.causal and not torch.is_grad_enabled()):
        return False
    return x.dtype == block.norm1.weight.dtype == torch.float32


def block(block: "Block", x: Tensor, mask: Tensor | None, n: int) -> Tensor:
    """x + Hyena(norm(x)), then x + MLP(norm(x)), as `hyena.Block.forward`; n is the length of its transforms."""
    mixer, mlp = block.mixer, block.mlp
    x = Mix.apply(
        x,
        None if mask is None or bool(mask.all()) else mask.to(x.dtype),
        mixer.causal,
        n,
        *(block.norm1.weight, block.norm1.bias, mixer.in_proj.weight, mixer.in_proj.bias),
        *(mixer.short_filter.weight, mixer.short_filter.bias, mixer.kernel(x.shape[1]), mixer.filter_fn.bias),
        *(mixer.out_proj.weight, mixer.out_proj.bias),
    )
    norm = block.norm2.weight, block.norm2.bias
    y: Tensor = Feed.apply(x, *norm, mlp.fc1.weight, mlp.fc1.bias, mlp.fc2.weight, mlp.fc2.bias)
    return y


def short(p: Tensor, taps: Tensor, bias: Tensor, now: int, out: Tensor) -> Tensor:
    """Convolve rows with three taps each as shifted sums; tap `now` stands on the position itself.

    p, out (3, channels, length); taps (3, channels, 3); bias (3, channels, 1).
    """
    torch.addcmul(bias, p, taps[..., now : now + 1], out=out)
    for k in range(3):
        if lag := now - k:
            shifted(out, lag).addcmul_(shifted(p, -lag), taps[..., k : k + 1])
    return out


def shifted(x: Tensor, lag: int) -> Tensor:
    """x without its first `lag` positions, or without its last -lag."""
    return x[..., lag:] if lag > 0 else x[..., : max(x.shape[-1] + lag, 0)]


class Mix(torch.autograd.Function):
    """x + out(x0 * (h * g + skip g)) with g = x1 v and (x0, x1, v) = short(in(norm(x)))."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor | None, causal: bool, n: int, *weights: Tensor) -> Tensor:
        norm_w, norm_b, in_w, in_b, short_w, short_b, kernel, skip, out_w, out_b = weights
        batch, length, dim = x.shape
        now, taps = 2 if causal else 1, short_w.view(3, dim, 3)
        spectrum = torch.fft.rfft(kernel, n)
        projected, conv = x.new_empty(batch, 3, dim, length), x.new_empty(batch, dim, length)
        gated, out = x.new_empty(dim, length), torch.empty_like(x)
        for i in range(batch):
            h = torch.native_layer_norm(x[i], (dim,), norm_w, norm_b, 1e-5)[0]
            torch.addmm(in_b[:, None], in_w, h.t(), out=projected[i].view(3 * dim, length))
            if mask is not None:
                projected[i] *= mask[i]
            for c in _groups(dim, length):
                s = short(projected[i, :, c], taps[:, c], short_b.view(3, dim, 1)[:, c], now, _like(projected[i, :, c]))
                g = s[1].mul_(s[2]) if mask is None else s[1].mul_(s[2]).mul_(mask[i])
                wave = torch.fft.rfft(g, n).mul_(spectrum[c])
                torch.addcmul(torch.fft.irfft(wave, n)[:, :length], g, skip[c, None], out=conv[i, c])
                torch.mul(conv[i, c], s[0], out=gated[c])
            torch.add(x[i], out_b, out=out[i]).addmm_(gated.t(), out_w.t())
        ctx.save_for_backward(x, mask, projected, conv, spectrum, *weights)
        ctx.now, ctx.n = now, n
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mask, projected, conv, spectrum, *weights = ctx.saved_tensors
        norm_w, norm_b, in_w, in_b, short_w, short_b, kernel, skip, out_w, out_b = weights
        batch, length, dim = x.shape
        now, n, taps, grad = ctx.now, ctx.n, short_w.view(3, dim, 3), grad.contiguous()
        sums = [torch.zeros_like(weight) for weight in weights]
        d_norm_w, d_norm_b, d_in_w, d_in_b, d_short_w, d_short_b, _, d_skip, d_out_w, _ = sums
        d_taps, d_bias, d_spectrum = d_short_w.view(3, dim, 3), d_short_b.view(3, dim), torch.zeros_like(spectrum)
        spectrum = spectrum.conj().resolve_conj()
        gated, d_gated = x.new_empty(dim, length), x.new_empty(dim, length)
        dp, dx = x.new_empty(3, dim, length), torch.empty_like(x)
        for i in range(batch):
            torch.mm(out_w.t(), grad[i].t(), out=d_gated)
            for c in _groups(dim, length):
                p = projected[i, :, c]
                s = short(p, taps[:, c], short_b.view(3, dim, 1)[:, c], now, _like(p))
                torch.mul(conv[i, c], s[0], out=gated[c])
                g = s[1] * s[2] if mask is None else (s[1] * s[2]).mul_(mask[i])
                d_conv = d_gated[c] * s[0]
                d_skip[c] += torch.linalg.vecdot(d_conv, g)
                wave = torch.fft.rfft(d_conv, n)
                d_spectrum[c] += torch.fft.rfft(g, n).conj_physical_().mul_(wave)
                dg = torch.fft.irfft(wave.mul_(spectrum[c]), n)[:, :length]
                dg = dg.addcmul_(d_conv, skip[c, None])
                dg = dg if mask is None else dg.mul_(mask[i])
                torch.mul(dg, s[1], out=s[0])  # of v; s is (x0, x1, v), turned into its own gradient
                s[1], s[2] = dg.mul_(s[2]), s[0]
                torch.mul(d_gated[c], conv[i, c], out=s[0])
                d_bias[:, c] += s.sum(-1)
                _short_backward(s, p, taps[:, c], now, dp[:, c], d_taps[:, c])
            if mask is not None:
                dp *= mask[i]
            h, mean, scale = torch.native_layer_norm(x[i], (dim,), norm_w, norm_b, 1e-5)
            rows = dp.view(3 * dim, length)
            d_in_w.addmm_(rows, h)
            d_in_b += rows.sum(-1)
            d_out_w.addmm_(grad[i].t(), gated.t())
            dh = torch.mm(rows.t(), in_w)
            d_norm = torch.ops.aten.native_layer_norm_backward(
                dh, x[i], (dim,), mean, scale, norm_w, norm_b, (True, True, True)
            )
            torch.add(grad[i], d_norm[0], out=dx[i])
            d_norm_w += d_norm[1]
            d_norm_b += d_norm[2]
        sums[6] = torch.fft.irfft(d_spectrum, n)[:, : kernel.shape[1]]
        sums[9] = grad.sum((0, 1))
        return dx, None, None, None, *sums


def _short_backward(ds: Tensor, p: Tensor, taps: Tensor, now: int, dp: Tensor, d_taps: Tensor) -> None:
    """The gradient of `short`: written to dp, added to d_taps."""
    torch.mul(ds, taps[..., now : now + 1], out=dp)
    for k in range(3):
        lag = now - k
        late, early = (shifted(ds, lag), shifted(p, -lag)) if lag else (ds, p)
        d_taps[..., k] += torch.linalg.vecdot(late, early)
        if lag:
            shifted(dp, -lag).addcmul_(late, taps[..., k : k + 1])


class Feed(torch.autograd.Function):
    """x + fc2(gelu(fc1(norm(x)))), some positions at a time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *weights: Tensor) -> Tensor:
        norm_w, norm_b, w1, b1, w2, b2 = weights
        rows, dim = x.reshape(-1, x.shape[-1]), x.shape[-1]
        inner, out = x.new_empty(len(rows), len(b1)), torch.empty_like(rows)
        for r in _slices(len(rows), ROWS):
            h = torch.native_layer_norm(rows[r], (dim,), norm_w, norm_b, 1e-5)[0]
            a = torch.addmm(b1, h, w1.t(), out=inner[r])
            torch.add(rows[r], b2, out=out[r]).addmm_(_gate(a).mul_(a), w2.t())
        ctx.save_for_backward(x, inner, *weights)
        return out.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        x, inner, *weights = ctx.saved_tensors
        norm_w, norm_b, w1, _, w2, _ = weights
        dim = x.shape[-1]
        rows, grad = x.reshape(-1, dim), grad.reshape(-1, dim)
        dx, sums = torch.empty_like(rows), [torch.zeros_like(weight) for weight in weights]
        d_norm_w, d_norm_b, d_w1, d_b1, d_w2, _ = sums
        for r in _slices(len(rows), ROWS):
            a, gate = inner[r], _gate(inner[r])
            slope = (a * a).mul_(3 * CUBIC * STEEP).add_(STEEP).mul_(a).mul_(gate)
            gelu = a * gate
            d_w2.addmm_(grad[r].t(), gelu)
            # d gelu = gate + a gate (1 - gate) (STEEP + 3 STEEP CUBIC a^2)
            slope = slope.addcmul_(slope, gate, value=-1).add_(gate)
            da = slope.mul_(torch.mm(grad[r], w2))
            h, mean, scale = torch.native_layer_norm(rows[r], (dim,), norm_w, norm_b, 1e-5)
            d_w1.addmm_(da.t(), h)
            d_b1 += da.sum(0)
            d_norm = torch.ops.aten.native_layer_norm_backward(
                da @ w1, rows[r], (dim,), mean, scale, norm_w, norm_b, (True, True, True)
            )
            torch.add(grad[r], d_norm[0], out=dx[r])
            d_norm_w += d_norm[1]
            d_norm_b += d_norm[2]
        sums[5] = grad.sum(0)
        return dx.view_as(x), *sums


def _gate(a: Tensor) -> Tensor:
    return (a * a).mul_(STEEP * CUBIC).add_(STEEP).mul_(a).sigmoid_()


def _slices(total: int, step: int) -> list[slice]:
    return [slice(first, min(first + step, total)) for first in range(0, total, step)]


def _groups(channels: int, length: int) -> list[slice]:
    return _slices(channels, max(1, GROUP // length))


def _like(p: Tensor) -> Tensor:
    return torch.empty(p.shape, dtype=p.dtype)
