"""A split held on the device: gathered and augmented there, the same batches as from the processor's memory."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genolightning.batch import Batch, Tokens
from genolightning.data.array_source import Table, fill_of
from genolightning.errors import UserError
from genolightning.genome.alphabet import N, Packed

FREE_SHARE = 4  # a split may take one part in so many of the device's free memory

WISHES = ("auto", True, False)


class DeviceTable:
    """A table whose arrays lie on a device; what a loader plans with (`lengths`, `index`, `target`) stays in numpy."""

    def __init__(self, table: Table, device: torch.device) -> None:
        self.rows, self.strands, self.resolution_bp = table.rows, table.strands, table.resolution_bp
        self.lengths, self.target, self.index, self.tokens = table.lengths, table.target, table.index, table.tokens
        self.device = device

        def put(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.array(array)).to(device)  # copied: a memory map is read-only

        self._packed = isinstance(table.codes, Packed)
        self._trim = not table.even
        if isinstance(table.codes, Packed):
            self._codes, self._starts = put(table.codes.values), put(table.codes.offsets[:-1])
        else:
            self._codes = put(table.codes)
        self._lengths, self._target, self._index = put(table.lengths), put(table.target), put(table.index)
        self._fill = fill_of(table.target)
        names = ("ids", "mask", "spans") if table.tokens else ()
        self._token_arrays = [put(getattr(table.tokens, name)) for name in names]

    def at_epoch(self, epoch: int) -> "DeviceTable":
        """The same rows in every epoch."""
        return self

    def serve(self, rows: NDArray[np.int64], by: NDArray[np.int64] | None = None) -> Batch:
        """One batch on the device, as `Table.serve` makes it."""
        longest = int(self.lengths.take(rows).max(initial=0))  # looked up here: the device need not be waited for
        where = torch.from_numpy(np.ascontiguousarray(rows)).to(self.device, non_blocking=True)
        lengths = self._lengths.index_select(0, where)
        codes = self._gather(where, lengths, longest)
        target = self._target.index_select(0, where)
        if self.resolution_bp:
            target = target[:, : -(-codes.shape[1] // self.resolution_bp)]
        if by is not None:
            moves = torch.from_numpy(np.ascontiguousarray(by)).to(self.device, non_blocking=True)
            codes = _shift(codes, moves, N, lengths)
            target = _shift(target, moves, self._fill, lengths) if self.resolution_bp else target
        return Batch(codes, lengths, target, self._index.index_select(0, where), self._take_tokens(rows, where))

    def _gather(self, where: Tensor, lengths: Tensor, longest: int) -> Tensor:
        if not self._packed:
            codes = self._codes.index_select(0, where)
            return codes[:, :longest] if self._trim else codes
        column = torch.arange(longest, device=self.device)
        real = column < lengths[:, None]
        places = torch.where(real, self._starts.index_select(0, where)[:, None] + column, 0)
        return torch.where(real, self._codes[places], N)

    def _take_tokens(self, rows: NDArray[np.int64], where: Tensor) -> Tokens | None:
        if self.tokens is None:
            return None
        most = int(self.tokens.counts.take(rows).max())
        return Tokens(*(array.index_select(0, where)[:, :most] for array in self._token_arrays))


def _shift(rows: Tensor, by: Tensor, fill: float, lengths: Tensor) -> Tensor:
    place = torch.arange(rows.shape[1], device=rows.device)
    source = place + by[:, None]
    inside = (source >= 0) & (source < rows.shape[1]) & (place < lengths[:, None])
    shape = (*source.shape, *[1] * (rows.ndim - 2))
    place = source.clamp(0, rows.shape[1] - 1).reshape(shape).expand(*source.shape, *rows.shape[2:])
    return torch.where(inside.reshape(shape), rows.gather(1, place), rows.new_full((), fill))


def table_bytes(table: Table) -> int:
    """Memory that a table's arrays take."""
    codes = table.codes if isinstance(table.codes, Packed) else (table.codes,)
    tokens = table.tokens or ()
    return sum(array.nbytes for array in (*codes, *tokens, table.lengths, table.target, table.index))


def placed(table: Table, device: torch.device, wish: str | bool) -> Table | DeviceTable:
    """Put a table on the device where that is wished: `auto` if it fits into a quarter of the memory that is free.

    On the processor nothing changes.
    """
    if wish is False or device.type != "cuda":
        return table
    free, _ = torch.cuda.mem_get_info(device)
    size = table_bytes(table)
    if size * FREE_SHARE <= free:
        return DeviceTable(table, device)
    if wish == "auto":
        return table
    raise UserError(
        f"dataset.on_device=true: {size / 1e9:.1f} GB of rows, {free / 1e9:.1f} GB free, of which a quarter is used; "
        "say dataset.on_device=auto"
    )
