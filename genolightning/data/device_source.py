"""A split held in a device's memory: gathered and augmented there, in the same batches as from the processor's."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from genolightning.batch import Batch, Tokens
from genolightning.data.array_source import ArraySource
from genolightning.data.augment import no_label
from genolightning.data.batch_source import BatchSource
from genolightning.errors import UserError
from genolightning.genome.alphabet import N

FREE_SHARE = 4  # a split may take one part in so many of the device's free memory
ROWS_AT_ONCE = 1 << 14  # copied to the device


class DeviceSource:
    """All rows of an `ArraySource`, on both strands where it has both, as padded arrays on a device.

    What a loader plans with (`lengths`) stays in numpy.
    """

    equal_lengths = False  # a gather of several batches saves nothing on a device

    def __init__(self, source: ArraySource, device: torch.device) -> None:
        self.rows, self.strands, self.resolution_bp = source.rows, source.strands, source.resolution_bp
        self.lengths, self.index, self.target, self.tokens = source.lengths, source.index, source.target, source.tokens
        self.device = device
        self._fill = no_label(source.target)
        width = int(source.lengths.max(initial=0))
        parts = []
        for rows in np.array_split(np.arange(source.strand_rows), -(-source.strand_rows // ROWS_AT_ONCE) or 1):
            arrays = source.row_arrays(rows)
            codes = torch.from_numpy(arrays.codes).to(device)
            target = torch.from_numpy(np.array(arrays.target)).to(device)
            codes = F.pad(codes, (0, width - codes.shape[1]), value=N)
            if source.resolution_bp:
                bins = -(-width // source.resolution_bp)
                after = (0, 0) * (target.ndim - 2) + (0, bins - target.shape[1])
                target = F.pad(target, after, value=self._fill)
            parts.append(
                (codes, torch.from_numpy(arrays.lengths).to(device), target, torch.from_numpy(arrays.index).to(device))
            )
        self._codes, self._lengths, self._target, self._index = map(torch.cat, zip(*parts, strict=True))
        tokens = () if self.tokens is None else (self.tokens.ids, self.tokens.mask, self.tokens.spans)
        self._tokens = [torch.from_numpy(array).to(device) for array in tokens]

    def at_epoch(self, epoch: int) -> "DeviceSource":
        """The same rows in every epoch."""
        return self

    def gather(self, rows: NDArray[np.int64], shift_bp: NDArray[np.int64] | None = None) -> Batch:
        """Gather rows, int64 (batch,), into one batch on the device, equal to that of `ArraySource.gather`."""
        # computed in numpy, so that the host does not wait for the device
        longest = int(self.lengths.take(rows % self.rows).max(initial=0))
        where = torch.from_numpy(np.ascontiguousarray(rows)).to(self.device, non_blocking=True)
        lengths = self._lengths.index_select(0, where)
        codes = self._codes.index_select(0, where)[:, :longest]
        target = self._target.index_select(0, where)
        if self.resolution_bp:
            target = target[:, : -(-longest // self.resolution_bp)]
        if shift_bp is not None:
            moves = torch.from_numpy(np.ascontiguousarray(shift_bp)).to(self.device, non_blocking=True)
            codes = _shift(codes, moves, N, lengths)
            target = _shift(target, moves, self._fill, lengths) if self.resolution_bp else target
        return Batch(codes, lengths, target, self._index.index_select(0, where), self._gather_tokens(rows, where))

    def _gather_tokens(self, rows: NDArray[np.int64], where: Tensor) -> Tokens | None:
        if self.tokens is None:
            return None
        longest = self.tokens.longest(rows)
        return Tokens(*(array.index_select(0, where)[:, :longest] for array in self._tokens))


def _shift(values: Tensor, shift_bp: Tensor, fill: float, lengths: Tensor) -> Tensor:
    """`augment.shift` on a device: values (batch, length, ...), shift_bp and lengths (batch,)."""
    column = torch.arange(values.shape[1], device=values.device)
    source = column + shift_bp[:, None]
    inside = (source >= 0) & (source < values.shape[1]) & (column < lengths[:, None])
    shape = (*source.shape, *[1] * (values.ndim - 2))
    place = source.clamp(0, values.shape[1] - 1).reshape(shape).expand(*source.shape, *values.shape[2:])
    return torch.where(inside.reshape(shape), values.gather(1, place), values.new_full((), fill))


def on_device(source: ArraySource, device: torch.device, setting: str | bool) -> BatchSource:
    """Copy a source to the device where `setting` allows: `auto` if it fits into a quarter of the free memory.

    Nothing is copied where the device is the CPU. Raises UserError where `setting` is true and memory is short.
    """
    if setting is False or device.type != "cuda":
        return source
    free, _ = torch.cuda.mem_get_info(device)
    if source.nbytes * FREE_SHARE <= free:
        return DeviceSource(source, device)
    if setting == "auto":
        return source
    raise UserError(
        f"dataset.on_device=true: {source.nbytes / 1e9:.1f} GB of rows, {free / 1e9:.1f} GB free, of which a "
        "quarter is used; say dataset.on_device=auto"
    )
