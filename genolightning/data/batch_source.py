"""What a loader draws batches from: the protocol of `ArraySource`, `GenomeSource` and `DeviceSource`."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch, Tokens

Tokenize = Callable[[torch.Tensor, torch.Tensor], Tokens]  # (codes (batch, length), lengths (batch,)) -> tokens


class BatchSource(Protocol):
    """Rows of one split that can be gathered into batches, wherever they are stored.

    With `strands`, row number `rows + i` is row `i` read from the other strand.
    """

    rows: int  # of one epoch, each counted once
    strands: bool
    resolution_bp: int | None  # of the target; None: one label a sequence

    @property
    def equal_lengths(self) -> bool:
        """Whether batches may be cut from one larger gather: all rows are equally long and have no tokens."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """True length of every row in bp, int64 (rows,)."""

    def at_epoch(self, epoch: int) -> "BatchSource":
        """The source of an epoch's rows; itself where they are the same in every epoch."""

    def gather(self, rows: NDArray[np.int64], shift_bp: NDArray[np.int64] | None = None) -> Batch:
        """Gather one batch.

        `rows` is int64 (batch,), each below `rows`, or below `2 * rows` with `strands`. `shift_bp`, int64 (batch,),
        moves each window by so many bases in reading direction: the sequence moves to the left where it is positive.
        """
