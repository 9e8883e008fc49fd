"""The Hyena block in few passes over memory: what `hyena.Block` defines, for order 2, float32 and a CPU.

There, time goes into matrix products and into touching fresh memory, hardly into Fourier transforms. So each half block
is one function with its own backward: it works on a sample and a group of channels (or on a group of positions) at a
time in buffers that stay in the cache, lets matrix products read transposed views, and keeps for the backward its
input, one projection and the convolution's output. The filters' spectrum is made once, its gradient summed over the
batch as a spectrum. Tests hold it against the plain block, values and gradients.
"""

import math
import threading
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

GROUP = 2**17  # numbers taken at once: positions of some samples times some channels
KEPT = 2**23  # numbers in the largest buffer that is kept
MLP_ROWS = 512  # positions the MLP reads at once
STEEP = 2 * math.sqrt(2 / math.pi)  # gelu's tanh form is exactly a sigmoid(STEEP (a + .044715 a^3))
CUBIC = 0.044715 / STEEP**2  # which is A sigmoid(A + CUBIC A^3) / STEEP where A = STEEP a


def mix(x: Tensor, mask: Tensor | None, weights: tuple[Tensor | None, ...], *, causal: bool, fft_length: int) -> Tensor:
    """x + Hyena(norm(x)) for float32 x (batch, length, dim) and mask bool (batch, length).

    `weights`: norm's weight and bias, projection in, short filter, kernel and skip of the long filter, projection out.
    """
    shown = None if mask is None or bool(mask.all()) else mask.to(x.dtype)
    y: Tensor = Mix.apply(x, shown, causal, fft_length, *weights)  # type: ignore[no-untyped-call]
    return y


def feed(x: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """x + MLP(norm(x)) for float32 x (batch, length, dim); `weights` and biases of norm, fc1 and fc2."""
    y: Tensor = Feed.apply(x, *weights)  # type: ignore[no-untyped-call]
    return y


_kept = threading.local()


def buffer(name: str, *shape: int) -> Tensor:
    """Scratch memory of this shape, float32, the same for every call with the same name: fresh memory costs more to
    touch than most arithmetic here. Large buffers are not kept.
    """
    size = math.prod(shape)
    memory: Tensor | None = _kept.__dict__.get(name)
    if memory is None or len(memory) < size:
        with torch.inference_mode(False):  # what is made within could not be written to without
            memory = torch.empty(size)
        if size <= KEPT:
            setattr(_kept, name, memory)
    return memory[:size].view(shape)


def short(p: Tensor, taps: Tensor, bias: Tensor, now: int) -> Tensor:
    """Convolve with three taps each as shifted sums; tap `now` is at the position itself.

    p (3, channels, samples, length), taps (3, channels, 3), bias (3, channels); returns the shape of p, a buffer.
    """
    out = torch.mul(p, taps[..., now, None, None], out=buffer("short", *p.shape)).add_(bias[..., None, None])
    for k in range(3):
        if lag := now - k:
            shifted(out, lag).addcmul_(shifted(p, -lag), taps[..., k, None, None])
    return out


def short_backward(ds: Tensor, p: Tensor, taps: Tensor, now: int, dp: Tensor, d_taps: Tensor) -> None:
    """Gradients of `short`, ds (3, channels, samples, length): p's is written to dp, the taps' is added to d_taps."""
    torch.mul(ds, taps[..., now, None, None], out=dp)
    for k in range(3):
        lag = now - k
        late, early = (shifted(ds, lag), shifted(p, -lag)) if lag else (ds, p)
        d_taps[..., k] += torch.mul(late, early, out=buffer("taps", *late.shape)).sum((-2, -1))
        if lag:
            shifted(dp, -lag).addcmul_(late, taps[..., k, None, None])


def shifted(x: Tensor, lag: int) -> Tensor:
    """x (channels, length) or more axes, without its first `lag` positions, or without its last -lag."""
    return x[..., lag:] if lag > 0 else x[..., : max(x.shape[-1] + lag, 0)]


def slices(total: int, step: int) -> list[slice]:
    """Cut 0 .. total into slices of `step`, the last one shorter."""
    return [slice(first, min(first + step, total)) for first in range(0, total, step)]


class Mix(torch.autograd.Function):
    """x + out(x0 * (h * g + skip g)) with g = x1 v and (x0, x1, v) = short(in(norm(x)))."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor | None, causal: bool, n: int, *weights: Tensor) -> Tensor:
        """float32 x (batch, length, dim) to the same; mask float32 (batch, length); n is the length of transforms."""
        norm_w, norm_b, in_w, in_b, short_w, short_b, kernel, skip, out_w, out_b = weights
        batch, length, dim = x.shape
        now, taps, bias = 2 if causal else 1, short_w.view(3, dim, 3), short_b.view(3, dim)
        spectrum = torch.fft.rfft(kernel, n).add_(skip[:, None])[:, None]  # skip g is lag 0 of the filter
        projected, conv, out = x.new_empty(3 * x.numel()), x.new_empty(x.numel()), torch.empty_like(x)
        for b, channels in _groups(batch, length, dim):
            rows, p, c = _parts(x, projected, conv, b)
            h = torch.native_layer_norm(rows, (dim,), norm_w, norm_b, 1e-5)[0]
            torch.addmm(in_b[:, None], in_w, h.t(), out=p.view(3 * dim, -1))
            if mask is not None:
                p *= mask[b]
            gated = buffer("gated", *c.shape)
            for d in channels:
                s = short(p[:, d], taps[:, d], bias[:, d], now)
                g = s[1].mul_(s[2]) if mask is None else s[1].mul_(s[2]).mul_(mask[b])
                c[d] = torch.fft.irfft(torch.fft.rfft(g, n).mul_(spectrum[d]), n)[..., :length]
                torch.mul(c[d], s[0], out=gated[d])
            torch.add(rows, out_b, out=out[b].view(-1, dim)).addmm_(gated.view(dim, -1).t(), out_w.t())
        ctx.save_for_backward(x, mask, projected, conv, spectrum, *weights)
        ctx.now, ctx.n = now, n
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x and of the weights, from that of the output (batch, length, dim)."""
        x, mask, projected, conv, spectrum, *weights = ctx.saved_tensors
        norm_w, norm_b, in_w, _, short_w, short_b, kernel, _, out_w, _ = weights
        batch, length, dim = x.shape
        now, n, taps, bias = ctx.now, ctx.n, short_w.view(3, dim, 3), short_b.view(3, dim)
        sums = [torch.zeros_like(weight) for weight in weights if weight is not kernel]
        d_norm_w, d_norm_b, d_in_w, d_in_b, d_short_w, d_short_b, d_skip, d_out_w, d_out_b = sums
        d_taps, d_bias, d_spectrum = d_short_w.view(3, dim, 3), d_short_b.view(3, dim), torch.zeros_like(spectrum)
        against, grad, dx = spectrum.conj_physical(), grad.contiguous(), torch.empty_like(x)
        for b, channels in _groups(batch, length, dim):
            rows, p, c = _parts(x, projected, conv, b)
            d_rows = grad[b].view(-1, dim)
            gated, d_gated, dp = buffer("gated", *c.shape), buffer("d_gated", *c.shape), buffer("dp", *p.shape)
            torch.mm(out_w.t(), d_rows.t(), out=d_gated.view(dim, -1))
            for d in channels:
                s = short(p[:, d], taps[:, d], bias[:, d], now)
                torch.mul(c[d], s[0], out=gated[d])
                g = torch.mul(s[1], s[2], out=buffer("g", *s[0].shape))
                g = g if mask is None else g.mul_(mask[b])
                dc = s[0].mul_(d_gated[d])
                ds = buffer("ds", *s.shape)
                wave = torch.fft.rfft(dc, n)
                d_spectrum[d] += torch.fft.rfft(g, n).conj_physical_().mul_(wave).sum(1, keepdim=True)
                dg = torch.fft.irfft(wave.mul_(against[d]), n)[..., :length]
                dg = dg if mask is None else dg.mul_(mask[b])
                torch.mul(d_gated[d], c[d], out=ds[0])
                torch.mul(dg, s[2], out=ds[1])
                torch.mul(dg, s[1], out=ds[2])
                d_bias[:, d] += ds.sum((-2, -1))
                short_backward(ds, p[:, d], taps[:, d], now, dp[:, d], d_taps[:, d])
            if mask is not None:
                dp *= mask[b]
            dp = dp.view(3 * dim, -1)
            h, mean, scale = torch.native_layer_norm(rows, (dim,), norm_w, norm_b, 1e-5)
            d_in_w.addmm_(dp, h)
            d_in_b += dp.sum(-1)
            d_out_w.addmm_(d_rows.t(), gated.view(dim, -1).t())
            d_out_b += d_rows.sum(0)
            dh = torch.mm(dp.t(), in_w, out=buffer("rows", *rows.shape))
            d_norm = _norm_backward(dh, rows, mean, scale, norm_w, norm_b)
            torch.add(d_rows, d_norm[0], out=dx[b].view(-1, dim))
            d_norm_w += d_norm[1]
            d_norm_b += d_norm[2]
        d_kernel = torch.fft.irfft(d_spectrum[:, 0], n)
        d_skip.copy_(d_kernel[:, 0])
        sums.insert(6, d_kernel[:, : kernel.shape[1]])
        return dx, None, None, None, *sums


def _groups(batch: int, length: int, dim: int) -> list[tuple[slice, list[slice]]]:
    """Samples to take together, and the groups of channels to take them by."""
    samples = max(1, min(batch, GROUP // (8 * length)))
    return [(b, slices(dim, max(1, GROUP // (samples * length)))) for b in slices(batch, samples)]


def _parts(x: Tensor, projected: Tensor, conv: Tensor, b: slice) -> tuple[Tensor, Tensor, Tensor]:
    """Of some samples: rows (samples * length, dim), p (3, dim, samples, length), conv (dim, samples, length)."""
    samples, size = x[b], x[0].numel()
    count, length, dim = samples.shape
    p = projected[3 * size * b.start : 3 * size * b.stop].view(3, dim, count, length)
    return samples.reshape(-1, dim), p, conv[size * b.start : size * b.stop].view(dim, count, length)


class Feed(torch.autograd.Function):
    """x + fc2(gelu(fc1(norm(x)))), some positions at a time; what fc1 gives is kept times STEEP."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, *weights: Tensor) -> Tensor:
        """float32 x (batch, length, dim) to the same."""
        norm_w, norm_b, w1, b1, w2, b2 = weights
        rows, dim = x.reshape(-1, x.shape[-1]), x.shape[-1]
        inner, out = x.new_empty(len(rows), len(b1)), torch.empty_like(rows)
        for r in slices(len(rows), MLP_ROWS):
            h = torch.native_layer_norm(rows[r], (dim,), norm_w, norm_b, 1e-5)[0]
            a = torch.addmm(b1, h, w1.t(), beta=STEEP, alpha=STEEP, out=inner[r])
            gelu = torch.mul(a, a, out=buffer("inner", *a.shape))
            torch.addcmul(a, a, gelu, value=CUBIC, out=gelu).sigmoid_().mul_(a)
            torch.add(rows[r], b2, out=out[r]).addmm_(gelu, w2.t(), alpha=1 / STEEP)
        ctx.save_for_backward(x, inner, *weights)
        return out.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Gradients of x and of the weights, from that of the output (batch, length, dim)."""
        x, inner, *weights = ctx.saved_tensors
        norm_w, norm_b, w1, _, w2, _ = weights
        rows, grad, one = x.reshape(-1, x.shape[-1]), grad.reshape(-1, x.shape[-1]), x.new_ones(())
        dx, sums = torch.empty_like(rows), [torch.zeros_like(weight) for weight in weights]
        d_norm_w, d_norm_b, _, d_b1, d_w2, d_b2 = sums
        turned = torch.zeros_like(w2)  # of w1, the way round that is multiplied faster
        for r in slices(len(rows), MLP_ROWS):
            a = inner[r]
            square = torch.mul(a, a, out=buffer("inner", *a.shape))
            gate = torch.addcmul(a, a, square, value=CUBIC, out=buffer("gate", *a.shape)).sigmoid_()
            gelu = torch.mul(a, gate, out=buffer("gelu", *a.shape))
            d_w2.addmm_(grad[r].t(), gelu, alpha=1 / STEEP)
            # gelu's slope is gate + gelu (1 - gate) (1 + 3 CUBIC A^2)
            slope = torch.addcmul(gelu, gelu, square.mul_(3 * CUBIC), out=square).lerp_(one, gate)
            da = slope.mul_(torch.mm(grad[r], w2, out=buffer("gelu", *a.shape)))
            h, mean, scale = torch.native_layer_norm(rows[r], (len(norm_w),), norm_w, norm_b, 1e-5)
            turned.addmm_(h.t(), da)
            d_b1 += da.sum(0)
            dh = torch.mm(da, w1, out=buffer("rows", *h.shape))
            d_norm = _norm_backward(dh, rows[r], mean, scale, norm_w, norm_b)
            torch.add(grad[r], d_norm[0], out=dx[r])
            d_norm_w += d_norm[1]
            d_norm_b += d_norm[2]
            d_b2 += grad[r].sum(0)
        sums[2] = turned.t()
        return dx.view_as(x), *sums


def _norm_backward(grad: Tensor, x: Tensor, mean: Tensor, scale: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    every = (True, True, True)
    d_norm: tuple[Tensor, ...] = torch.ops.aten.native_layer_norm_backward(grad, x, w.shape, mean, scale, w, b, every)
    return d_norm
