"""Hyena and HyenaDNA: implicit long convolutions between gates, causal or two-sided.

Poli et al. 2023, "Hyena Hierarchy" (arXiv 2302.10866); Nguyen et al. 2023, "HyenaDNA" (arXiv 2306.15794). Parameters
carry the names of the released HyenaDNA weights, `load_released` reads those. `hyena_fused.py` computes a block in
fewer passes over memory, on a CPU in float32.
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
from genolightning.models.hyena_operator import SHORT_TAPS, HyenaOperator, fft_length

TOKENS = (7, 8, 9, 10, 11, 3)  # of the codes A C G T N and masked, as HyenaDNA counts them
PAD, VOCABULARY = 4, 16  # 12 symbols, rounded up to a multiple of 8
SCALE_BP = (200, 5_000)  # between these, the longest training row is `l_max` where it is not given


class MLP(nn.Module):
    """Two linear maps with GELU (its tanh form) between them."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, inner), nn.Linear(inner, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, dim) to the same."""
        y: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return y


class HyenaBlock(nn.Module):
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
        if self._can_be_fused(x):
            return self._fused_forward(x, mask)
        kind = self.norm1.weight.dtype
        x = x + self.dropout(self.mixer(self.norm1(x.to(kind)), mask)).float()
        y: Tensor = x + self.dropout(self.mlp(self.norm2(x.to(kind)))).float()
        return y

    def _can_be_fused(self, x: Tensor) -> bool:
        """On a CPU, in float32, without autocast, dropout or tracing, for order 2.

        A causal block is left to the plain path where no gradient is wanted: that one rounds as the published network.
        """
        if not self.fused or self.mixer.order != 2 or (self.training and self.dropout.p > 0):
            return False
        if torch.compiler.is_compiling() or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return False
        if self.mixer.causal and not torch.is_grad_enabled():
            return False
        return x.dtype == self.norm1.weight.dtype == torch.float32

    def _fused_forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        mixer, mlp, length = self.mixer, self.mlp, x.shape[1]
        weights = (
            *(self.norm1.weight, self.norm1.bias, mixer.in_proj.weight, mixer.in_proj.bias),
            *(mixer.short_filter.weight, mixer.short_filter.bias, mixer.kernel(length), mixer.filter_fn.bias),
            *(mixer.out_proj.weight, mixer.out_proj.bias),
        )
        x = hyena_fused.mix(x, mask, weights, causal=mixer.causal, fft_length=fft_length(length))
        norm = self.norm2.weight, self.norm2.bias
        return hyena_fused.feed(x, (*norm, mlp.fc1.weight, mlp.fc1.bias, mlp.fc2.weight, mlp.fc2.bias))


class Embeddings(nn.Module):
    """Holds `word_embeddings`, as in the released weights."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, dim)


class Hyena(Backbone):
    """Base codes -> (batch, length, dim), one vector a base, by Hyena blocks.

    `l_max` is what the filters' lags are measured by: with another one a trained filter is another filter. Given, it is
    also a limit (two less: the published models reserve two special tokens). Left open, it is the longest
    training row (200 to 5,000), and longer rows are read with filters carried on beyond it. `unit_start`: what the
    gates multiply starts at unit variance, and so do embeddings, but for language models, whose heads read them too.
    From the published N(0, .02) short training on some thousand rows can miss the signal. `checkpointing` computes
    blocks twice to save memory.
    """

    stride = 1
    bases = slice(7, 11)  # rows of `embedding` of A C G T
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
            HyenaBlock(
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
        """One position a base: values (batch, length, dim)."""
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
        """Load released HyenaDNA weights (name -> float tensor) in any of their layouts; returns the unused keys.

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
    """Rename released weights (name -> float tensor) to those of a Hyena, from any of three layouts.

    Lightning checkpoints have the prefix `model.backbone.` (in their `state_dict`); models trained with activation
    checkpointing add `.layer` to `mixer` and `mlp`; Hugging Face has `hyena.backbone.`, and safetensors keeps one name
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
