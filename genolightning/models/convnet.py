"""ConvNet: our default. A stem of wide motif detectors, then residual dilated convolutions.

The stem follows DeepBind and Basset (Alipanahi et al. 2015; Kelley et al. 2016): wide first filters read motifs. The
blocks follow pre-activation residual networks (He et al. 2016) with growing dilation (Kelley et al. 2018), so that two
motifs some way apart are seen together.
"""

import math

import torch
from torch import Tensor, nn

from genolightning.batch import Batch, Features, base_mask
from genolightning.errors import check_integer, check_sizes
from genolightning.facts import Facts
from genolightning.models.base import Backbone


class DilatedBlock(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x)))))); padding is zeroed before each convolution."""

    def __init__(self, dim: int, *, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)
        self.conv1 = nn.Conv1d(dim, dim, kernel, padding="same", dilation=dilation, bias=False)
        self.conv2 = nn.Conv1d(dim, dim, 1)
        self.dropout = nn.Dropout1d(dropout)  # whole channels: as good, and far cheaper to draw

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, dim, positions) to the same; mask is (batch, 1, positions), None where nothing needs hiding."""
        h = torch.relu(self.norm1(x))
        h = self.conv1(h if mask is None else h * mask)
        out: Tensor = x + self.dropout(self.conv2(torch.relu(self.norm2(h))))
        return out


class ConvNet(Backbone):
    """Base codes -> (batch, positions, dim): a position every `stride` bases, never coarser than the dataset's bins."""

    def __init__(
        self,
        *,
        facts: Facts | None = None,
        dim: int = 64,
        stem_kernel: int = 13,
        kernel: int = 5,
        blocks: int = 3,
        stride: int = 4,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        check_sizes(dim=dim, stem_kernel=stem_kernel, kernel=kernel, stride=stride)
        check_integer("model.backbone.blocks", blocks, 0)
        if facts is not None and facts.resolution_bp is not None:
            stride = math.gcd(stride, facts.resolution_bp)
        self.dim, self.stride = dim, stride
        self.stem = nn.Conv1d(4, dim, stem_kernel, padding="same")
        self.pool = nn.MaxPool1d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        self.blocks = nn.ModuleList(
            DilatedBlock(dim, kernel=kernel, dilation=2**i, dropout=dropout) for i in range(blocks)
        )
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, batch: Batch) -> Features:
        """Values (batch, positions, dim), a position every `stride` bases."""
        length = batch.codes.shape[1]
        x = self.stem(batch.channels(self.stem.weight.dtype))
        mask = base_mask(batch.lengths, length)[:, None]
        padded = _has_padding(mask)
        if padded:
            x = x.masked_fill(~mask, torch.finfo(x.dtype).min)
        x, mask = self.pool(x), mask[..., :: self.stride]
        if padded:
            x = x.masked_fill(~mask, 0)
        for block in self.blocks:
            x = block(x, mask if padded else None)
        return Features(torch.relu(self.norm(x)).transpose(1, 2), mask[:, 0])


def _has_padding(mask: Tensor) -> bool:
    """Whether any position is padding; True where looking would wait for a GPU or stop a tracer."""
    return mask.device.type != "cpu" or torch.compiler.is_compiling() or not mask.all()
