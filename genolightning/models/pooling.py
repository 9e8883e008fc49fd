"""From a value at each position to a value for the sequence or for each bin; padding never counts."""

import torch
from torch import Tensor, nn

from genolightning.batch import Features


class MeanPool(nn.Module):
    """The mean over real positions: (batch, positions, dim) -> (batch, dim)."""

    factor = 1

    def forward(self, features: Features) -> Tensor:
        """Mean (batch, dim) of values (batch, positions, dim)."""
        mask = features.mask[..., None].to(features.values.dtype)
        return (features.values * mask).sum(1) / mask.sum(1).clamp(min=1)


class MeanMaxPool(nn.Module):
    """Mean and maximum over real positions, side by side: (batch, positions, dim) -> (batch, 2 * dim)."""

    factor = 2

    def forward(self, features: Features) -> Tensor:
        """Mean and maximum (batch, 2 * dim) of values (batch, positions, dim)."""
        mask = features.mask[..., None]
        mean = (features.values * mask).sum(1) / mask.sum(1).clamp(min=1)
        most = features.values.masked_fill(~mask, float("-inf")).amax(1)
        return torch.cat([mean, most], dim=-1)


def to_resolution(features: Features, stride: int, resolution_bp: int) -> Features:
    """Repeat or average positions so that each covers `resolution_bp` bases.

    The finer of the two must divide the coarser. A bin's value is the mean over its real positions.
    """
    values, mask = features.values, features.mask
    if stride > resolution_bp:
        times = stride // resolution_bp
        return Features(values.repeat_interleave(times, 1), mask.repeat_interleave(times, 1))
    if stride == resolution_bp:
        return features
    times = resolution_bp // stride
    short = -values.shape[1] % times
    values, mask = nn.functional.pad(values, (0, 0, 0, short)), nn.functional.pad(mask, (0, short))
    rows, bins = mask.shape[0], mask.shape[1] // times
    mask = mask.view(rows, bins, times)
    shares = mask[..., None].to(values.dtype)
    total = (values.reshape(rows, bins, times, -1) * shares).sum(2)
    return Features(total / shares.sum(2).clamp(min=1), mask.any(2))
