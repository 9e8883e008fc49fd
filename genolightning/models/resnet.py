"""The dilated residual network of BEND and GPN, and the two-layer network that BEND puts on every embedding.

Marin et al. 2024, "BEND" (arXiv 2311.12570): 30 blocks, 256 wide, kernels of 9, dilation 1, 2, 4, 8, 16, 32 and again
from 1, the network of Benegas et al. 2023, "GPN" (PNAS 120:e2311219120). Normalisation is over channels, after GELU.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genolightning.batch import Batch, Features, base_mask
from genolightning.errors import UserError, check_sizes
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.base import Backbone, HeadInput, dtype_of

SYMBOLS = 6  # A C G T, N, masked


def symbols(batch: Batch, dim: int, dtype: torch.dtype) -> Tensor:
    """One-hot codes in the first six of `dim` channels, N and the masked base among them: (batch, length, dim)."""
    hot = F.one_hot(batch.codes.long(), SYMBOLS).to(dtype)
    if batch.bases is not None:
        hot = torch.cat([batch.channels(dtype).transpose(1, 2), hot[..., 4:]], -1)
    return F.pad(hot, (0, dim - SYMBOLS))


class ResidualBlock(nn.Module):
    """x + norm(gelu(conv(x))), then x + norm(gelu(linear(x))); padding is zeroed before the convolution."""

    def __init__(self, dim: int, *, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(dim, dim, kernel, padding="same", dilation=dilation)
        self.linear = nn.Linear(dim, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(batch, length, dim) to the same; mask is (batch, length, 1)."""
        x = x + self.norm1(F.gelu(self.conv((x * mask).transpose(1, 2)).transpose(1, 2)))
        y: Tensor = x + self.norm2(F.gelu(self.linear(x)))
        return y


class ResNet(Backbone):
    """Base codes -> (batch, length, dim), one vector a base; no embedding: a base is one of the first channels."""

    stride = 1

    def __init__(self, *, dim: int = 256, depth: int = 30, kernel: int = 9, cycle: int = 6) -> None:
        super().__init__()
        check_sizes(dim=dim, depth=depth, kernel=kernel, cycle=cycle)
        if dim < SYMBOLS:
            raise UserError(f"model.backbone.dim={dim}: a base is one of its first {SYMBOLS} channels; wanted more")
        self.dim = dim
        dilations = [2 ** (i % cycle) for i in range(depth)]
        self.blocks = nn.ModuleList(ResidualBlock(dim, kernel=kernel, dilation=dilation) for dilation in dilations)
        for module in self.modules():
            if isinstance(module, nn.Linear):  # as published; convolutions start as torch has them
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, batch: Batch) -> Features:
        """One position a base: values (batch, length, dim)."""
        mask = base_mask(batch.lengths, batch.codes.shape[1])
        x = symbols(batch, self.dim, dtype_of(self))
        for block in self.blocks:
            x = block(x, mask[..., None])
        return Features(x, mask)


class TwoLayers(nn.Module):
    """Two convolutions of three positions, GELU after each: BEND's downstream network up to its last linear map."""

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(width, dim, 3, padding=1), nn.Conv1d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(batch, positions, width) to (batch, positions, dim); padding is zeroed before each convolution."""
        shown = mask[:, None]
        x = F.gelu(self.first(x.transpose(1, 2) * shown))
        return F.gelu(self.second(x * shown)).transpose(1, 2)


class CNNProbe(Backbone):
    """BEND's two-layer network on one-hot bases: its baseline without pretraining. Bins are means, as published."""

    stride = 1

    def __init__(self, *, dim: int = 64) -> None:
        super().__init__()
        self.dim = dim
        self.layers = TwoLayers(SYMBOLS, dim)

    def forward(self, batch: Batch) -> Features:
        """One position a base: values (batch, length, dim)."""
        mask = base_mask(batch.lengths, batch.codes.shape[1])
        return Features(self.layers(symbols(batch, SYMBOLS, self.layers.first.weight.dtype), mask), mask)


class ProbeHead(nn.Module):
    """BEND's two-layer network on a backbone's features, then pooling or bins and a linear map, as `heads.default`."""

    one_way = True  # its convolutions distinguish left from right

    def __init__(self, backbone: Backbone | HeadInput, facts: Facts, *, dim: int = 64) -> None:
        super().__init__()
        self.layers = TwoLayers(backbone.dim, dim)
        self.last = heads.default(HeadInput(dim, backbone.stride), facts)

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, outputs) or (batch, bins, outputs) from values (batch, positions, dim)."""
        values = self.layers(features.values, features.mask)
        logits: Tensor = self.last(features._replace(values=values), batch)
        return logits
