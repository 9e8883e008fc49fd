"""Hyena and HyenaDNA: implicit long convolutions between gates, causal or two-sided.

Poli et al. 2023, "Hyena Hierarchy" (arXiv 2302.10866); Nguyen et al. 2023, "HyenaDNA" (arXiv 2306.15794). Parameters
carry the names of the released HyenaDNA weights, `load_released` reads those. What is said here is the definition;
`hyena_fused.py` computes the same in fewer passes over memory, on a CPU in float32.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from genolightning.batch import Batch, Features, base_mask, embed_bases
from genolightning.errors import UserError, check_sizes
from genolightning.facts import Facts
from genolightning.models import hyena_fused
from genolightning.models.base import Backbone

TOKENS = (7, 8, 9, 10, 11, 3)  # of the codes A C G T N and masked, as HyenaDNA counts them
PAD, VOCABULARY = 4, 16  # 12 symbols, rounded up to a multiple of 8
FILTER_WIDTH, SINE_FREQUENCY, SHORT_TAPS = 64, 10.0, 3
SLOW_DECAY, FAST_DECAY = math.log(0.01) / 1.5, math.log(0.01) / 0.3  # the window falls to .01 at 1.5 and .3 of l_max
SCALE_BP = (200, 5_000)  # between these, training rows say what `l_max` is where it is left open


class Sine(nn.Module):
    """sin(freq * x), one trained frequency a channel."""

    def __init__(self, dim: int, frequency: float) -> None:
        super().__init__()
        self.freq = nn.Parameter(frequency * torch.ones(1, dim))

    def forward(self, x: Tensor) -> Tensor:
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
    """A transform that holds a linear convolution of `length` with room for both sides, and is quick to compute.

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


class MLP(nn.Module):
    """Two linear maps with GELU (its tanh form) between them."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return y


class Block(nn.Module):
    """x + Hyena(norm(x)), then x + MLP(norm(x)); the running sum x is float32 whatever the rest is."""

    fused = True  # where it suits; set to False to have the plain path everywhere

    def __init__(self, mixer: HyenaOperator, *, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(mixer.dim), nn.LayerNorm(mixer.dim)
        self.mixer = mixer
        self.mlp = MLP(mixer.dim, 4 * mixer.dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """float32 (batch, length, dim) to the same; mask as in HyenaOperator."""
        if self.fused and hyena_fused.suits(self, x):
            return hyena_fused.block(self, x, mask, fft_length(x.shape[1]))
        kind = self.norm1.weight.dtype
        x = x + self.dropout(self.mixer(self.norm1(x.to(kind)), mask)).float()
        y: Tensor = x + self.dropout(self.mlp(self.norm2(x.to(kind)))).float()
        return y


class Embeddings(nn.Module):
    """Holds `word_embeddings`, where the released weights look for it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, dim)


class Hyena(Backbone):
    """Base codes -> (batch, length, dim), one vector a base, by Hyena blocks.

    `l_max` is what the filters' lags are measured by: with another one a trained filter is another filter. Given, it is
    also a limit (two less: the published models keep room for two special tokens). Left open, it is the longest
    training row (200 to 5,000), and longer rows are read with filters carried on beyond it. `unit_start`: what the
    gates multiply starts at unit variance, and so do embeddings, but for language models, whose heads read them too.
    From the published N(0, .02) short training on some thousand rows can miss the signal. `checkpointing` computes
    blocks twice to save memory.
    """

    stride = 1
    bases = slice(7, 11)  # rows of `embedding` that stand for A C G T
    tokens: Tensor

    def __init__(
        self,
        *,
        facts: Facts | None = None,
        dim: int = 128,
        depth: int = 2,
        l_max: int | None = None,
        order: int = 2,
        causal: bool = True,
        emb_dim: int = 5,
        shift: float = 0.05,
        embed_dropout: float = 0.1,
        dropout: float = 0.0,
        unit_start: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(dim=dim, depth=depth)
        if l_max is None and facts is None:
            raise UserError("a Hyena needs l_max, or the facts of a dataset to take it from")
        self.max_length_bp = None if l_max is None else l_max - 2
        self.l_max = l_max or min(max(facts.length_bp if facts else 0, SCALE_BP[0]), SCALE_BP[1])
        self.dim, self.causal, self.checkpointing = dim, causal, checkpointing
        self.embeddings = Embeddings(dim)
        self.dropout = nn.Dropout(embed_dropout)
        self.layers = nn.ModuleList(
            Block(
                HyenaOperator(dim, l_max=self.l_max, order=order, causal=causal, emb_dim=emb_dim, shift=shift),
                dropout=dropout,
            )
            for _ in range(depth)
        )
        self.ln_f = nn.LayerNorm(dim)
        self.register_buffer("tokens", torch.tensor(TOKENS), persistent=False)
        narrow = 0.02 / math.sqrt(2 * depth)
        spread = {"out_proj": narrow, "fc2": narrow}
        if unit_start:
            spread["in_proj"] = math.sqrt(SHORT_TAPS / dim)  # the taps add up to 1/3
            if facts is None or not facts.target_kind.language_model:
                spread["word_embeddings"] = 1.0
        self._start(spread)

    def _start(self, spread: Mapping[str, float]) -> None:
        """Initial weights N(0, .02), as published, or of the deviation that `spread` has for a layer's name."""
        for name, module in self.named_modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=spread.get(name.rpartition(".")[2], 0.02))
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    @property
    def embedding(self) -> nn.Embedding:
        """(16, dim); a language-model head reads its rows `bases`."""
        return self.embeddings.word_embeddings

    @property
    def language_embedding(self) -> nn.Embedding:
        """The embedding, which heads of language models are tied to."""
        return self.embedding

    def forward(self, batch: Batch) -> Features:
        mask = base_mask(batch.lengths, batch.codes.shape[1])
        ids = self.tokens[batch.codes.long()].masked_fill(~mask, PAD)
        self._refuse_longer(ids)
        return Features(self._through_layers(embed_bases(batch, self.embedding, ids, self.bases), mask), mask)

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """HyenaDNA's token ids, int64 (batch, length), to float (batch, length, dim)."""
        self._refuse_longer(ids)
        return self._through_layers(self.embedding(ids), mask)

    def _refuse_longer(self, ids: Tensor) -> None:
        if self.max_length_bp is not None and ids.shape[1] > self.max_length_bp + 2:
            raise UserError(
                f"this hyena reads {self.max_length_bp} bp, a sequence has {ids.shape[1]}; "
                "add dataset.too_long=crop, or choose a longer model"
            )

    def _through_layers(self, embedded: Tensor, mask: Tensor) -> Tensor:
        hidden = None if self.causal else mask
        x = self.dropout(embedded).float()
        for layer in self.layers:
            again = self.checkpointing and torch.is_grad_enabled()
            x = checkpoint(layer, x, hidden, use_reentrant=False) if again else layer(x, hidden)
        y: Tensor = self.ln_f(x.to(self.ln_f.weight.dtype))
        return y

    def load_released(self, released: Mapping[str, Tensor]) -> list[str]:
        """Take over released HyenaDNA weights in any of their layouts; returns the keys that were of no use.

        UserError where a weight is missing or has another shape. Positions and windows are computed here from `l_max`;
        those that come with the weights are compared by their length alone.
        """
        ours, theirs = self.state_dict(), from_released(released)
        unlike = [
            f"{name} is {tuple(theirs[name].shape) if name in theirs else 'missing'}, wanted {tuple(ours[name].shape)}"
            for name in ours
            if name not in theirs or theirs[name].shape != ours[name].shape
        ]
        positions = theirs.get("layers.0.mixer.filter_fn.pos_emb.t")
        if positions is not None and positions.shape[1] != self.l_max:
            unlike.append(f"l_max is {positions.shape[1]}, wanted {self.l_max}")
        if unlike:
            raise UserError(f"these are not the weights of this model: {'; '.join(unlike[:3])}")
        self.load_state_dict({name: theirs[name] for name in ours})
        return sorted(set(theirs) - set(ours))


def from_released(released: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give released weights the names that a Hyena has, whichever of three layouts they come in.

    Lightning checkpoints say `model.backbone.` (their `state_dict` is meant here); models trained with activation
    checkpointing add `.layer` to `mixer` and `mlp`; Hugging Face says `hyena.backbone.`, and safetensors keeps one name
    of the shared sine frequencies. Whatever is not below a backbone keeps its name.

    >>> one = {"hyena.backbone.layers.0.mixer.layer.in_proj.weight": torch.zeros(1)}
    >>> list(from_released(one))
    ['layers.0.mixer.in_proj.weight']
    """
    named: dict[str, Tensor] = {}
    for name, value in released.items():
        for prefix in ("model.backbone.", "hyena.backbone.", "backbone."):
            if name.startswith(prefix):
                name = name.removeprefix(prefix).replace(".mixer.layer.", ".mixer.").replace(".mlp.layer.", ".mlp.")
                break
        named[name] = value
    for name in [name for name in named if name.endswith(".freq")]:
        stem = name.rpartition("implicit_filter.")[0] + "implicit_filter."
        for place in (1, 3, 5):
            named.setdefault(f"{stem}{place}.freq", named[name])
    return named
