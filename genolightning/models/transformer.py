"""A transformer on bases: pre-norm blocks, rotary positions, scaled dot-product attention.

Vaswani et al. 2017 (arXiv 1706.03762); layer norm before each half block, Xiong et al. 2020 (2002.04745); positions as
rotations, Su et al. 2021 (2104.09864). It reads bases one by one, or, with a stem, through two strided convolutions
that leave one position in `stride` bases, as attention's cost grows with the square of the positions.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genolightning.batch import Batch, Features, base_mask, embed_bases
from genolightning.errors import UserError, check_sizes
from genolightning.facts import Facts
from genolightning.models.base import Backbone

STEM_TAPS = (11, 5)  # of the two convolutions; more where they step further, so that no base is skipped
SLOWEST = 10_000.0  # positions that the slowest rotation takes for about one radian


def rotations(positions: int, dim: int, device: torch.device) -> Tensor:
    """Cosines and sines of every position's angles: float32 (2, positions, dim / 2)."""
    speed = SLOWEST ** (-torch.arange(0, dim, 2, device=device) / dim)
    angle = torch.arange(positions, device=device)[:, None] * speed
    return torch.stack([angle.cos(), angle.sin()])


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn pairs of channels by their position's angles: (batch, heads, positions, dim) to the same."""
    one, other = x.chunk(2, -1)
    cos, sin = turn.to(x.dtype)
    return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)


class Attention(nn.Module):
    """Each position reads every real one (causal: those before it and itself)."""

    def __init__(self, dim: int, heads: int, *, causal: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.causal, self.dropout = heads, causal, dropout
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None, turn: Tensor) -> Tensor:
        """(batch, positions, dim) to the same; mask bool (batch, 1, 1, positions), None where nothing needs hiding."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        q, k = rotate(q, turn), rotate(k, turn)
        seen = F.scaled_dot_product_attention(q, k, v, mask, rate, is_causal=self.causal)
        y: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return y


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, dim: int, heads: int, *, causal: bool, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads, causal=causal, dropout=dropout)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None, turn: Tensor) -> Tensor:
        """(batch, positions, dim) to the same; mask and turn as in Attention."""
        x = x + self.dropout(self.attention(self.norm1(x), mask, turn))
        y: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
        return y


class Stem(nn.Module):
    """Two strided convolutions over one-hot bases; padding is zeroed before each."""

    def __init__(self, dim: int, strides: tuple[int, int]) -> None:
        super().__init__()
        wide, narrow = (max(taps, stride | 1) for taps, stride in zip(STEM_TAPS, strides, strict=True))
        self.first = nn.Conv1d(4, dim, wide, stride=strides[0], padding=wide // 2)
        self.second = nn.Conv1d(dim, dim, narrow, stride=strides[1], padding=narrow // 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(batch, 4, length), mask (batch, 1, length) -> (batch, dim, positions)."""
        x = F.gelu(self.first(x)) * mask[..., :: self.first.stride[0]]
        y: Tensor = self.second(x)
        return y


class Transformer(Backbone):
    """Base codes -> (batch, positions, dim), one position a base, or one in `stride` bases behind a stem.

    `causal`: a position sees no later base; that needs `stride=1`.
    """

    bases = slice(0, 4)

    def __init__(
        self,
        *,
        facts: Facts | None = None,
        dim: int = 128,
        depth: int = 4,
        heads: int = 4,
        stride: int = 1,
        causal: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        check_sizes(dim=dim, depth=depth, heads=heads, stride=stride)
        if dim % (2 * heads):
            raise UserError(f"dim={dim} heads={heads}: a head's width must be even, dim / heads is {dim / heads:g}")
        if causal and stride > 1:
            raise UserError(f"a causal transformer reads single bases, stride={stride} would look ahead; use stride=1")
        self.dim, self.stride, self.causal, self.heads = dim, stride, causal, heads
        self.embedding = nn.Embedding(6, dim) if stride == 1 else None
        if stride > 1:
            first = next(n for n in range(math.isqrt(stride), 0, -1) if stride % n == 0)
            self.stem = Stem(dim, (stride // first, first))
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, causal=causal, dropout=dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self._start(depth, tied=facts is not None and facts.target_kind.language_model)

    def _start(self, depth: int, *, tied: bool) -> None:
        """Initial weights that keep variance at one: N(0, 1 / inputs), a half block's last map narrower by its depth.

        From N(0, .02), as for large language models, 600 steps on `gue_mouse_0` taught it nothing (docs/gue.md).
        """
        for name, module in self.named_modules():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                last = name.endswith(("attention.out", "mlp.2"))
                inputs = module.weight[0].numel()
                if name == "stem.first":
                    inputs //= 4  # a base is one of its channels
                nn.init.normal_(module.weight, std=1 / math.sqrt(inputs * (2 * depth if last else 1)))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=1 / math.sqrt(self.dim) if tied else 1)  # a tied head reads it too

    @property
    def language_embedding(self) -> nn.Embedding | None:
        """(6, dim), one vector a code; None behind a stem."""
        return self.embedding

    def forward(self, batch: Batch) -> Features:
        """Values (batch, positions, dim), a position every `stride` bases."""
        mask = base_mask(batch.lengths, batch.codes.shape[1])
        if self.embedding is not None:
            x = embed_bases(batch, self.embedding, batch.codes.long())
        else:
            x = self.stem(batch.channels(self.norm.weight.dtype), mask[:, None]).transpose(1, 2)
            mask = mask[:, :: self.stride]
        hidden = None if self.causal else mask[:, None, None]  # padding is last: a causal model never sees it
        x, turn = self.dropout(x), rotations(x.shape[1], self.dim // self.heads, x.device)
        for block in self.blocks:
            x = block(x, hidden, turn)
        return Features(self.norm(x), mask)
