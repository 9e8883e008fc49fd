"""A gated dilated network: one branch reads the bases, the other decides what passes.

In the manner of Bo et al. 2025, "ConvNova" (arXiv 2502.18538): dilated convolutions instead of pooling, and two
branches, of which the second reads the complementary bases and gates the first. Kernels of 9, dilations 1, 1, 2, 4, 8.
Left out: the closing mixer and the stacks of equal blocks. Normalisation is over channels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genolightning.batch import Batch, Features, base_mask
from genolightning.errors import check_sizes
from genolightning.models.base import Backbone

STEM_KERNEL = 9


class GatedBlock(nn.Module):
    """x + gelu(conv(norm(x))) * g and gate + g with g = sigmoid(conv(norm(gate))); then x + norm(gelu(linear(x)))."""

    def __init__(self, dim: int, *, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.value = nn.Conv1d(dim, dim, kernel, padding="same", dilation=dilation)
        self.gate = nn.Conv1d(dim, dim, kernel, padding="same", dilation=dilation)
        self.linear = nn.Linear(dim, dim)
        self.norm_value, self.norm_gate, self.norm = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, gate: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Both (batch, length, dim); mask (batch, length, 1): padding is zeroed before each convolution."""
        read = self.value((self.dropout(self.norm_value(x)) * mask).transpose(1, 2))
        passed = torch.sigmoid(self.gate((self.dropout(self.norm_gate(gate)) * mask).transpose(1, 2)))
        x = x + (F.gelu(read) * passed).transpose(1, 2)
        return x + self.norm(F.gelu(self.linear(x))), gate + passed.transpose(1, 2)


class GatedNet(Backbone):
    """Base codes -> (batch, length, dim), one vector a base."""

    stride = 1

    def __init__(self, *, dim: int = 96, blocks: int = 5, kernel: int = 9, dropout: float = 0.1) -> None:
        super().__init__()
        check_sizes(dim=dim, blocks=blocks, kernel=kernel)
        self.dim = dim
        self.stem = nn.Conv1d(4, dim, STEM_KERNEL, padding="same")
        self.stem_gate = nn.Conv1d(4, dim, STEM_KERNEL, padding="same")
        dilations = [1, *(2**i for i in range(blocks - 1))]
        self.blocks = nn.ModuleList(
            GatedBlock(dim, kernel=kernel, dilation=dilation, dropout=dropout) for dilation in dilations
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, batch: Batch) -> Features:
        """One position a base: values (batch, length, dim)."""
        mask = base_mask(batch.lengths, batch.codes.shape[1])
        bases = batch.channels(self.stem.weight.dtype)
        x = F.gelu(self.stem(bases)).transpose(1, 2)
        gate = F.gelu(self.stem_gate(bases.flip(1))).transpose(1, 2)  # A C G T turned over: the complement
        for block in self.blocks:
            x, gate = block(x, gate, mask[..., None])
        return Features(self.norm(x), mask)
