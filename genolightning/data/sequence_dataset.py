"""A split as a torch Dataset, one sequence at a time: for a notebook, or a training loop of one's own."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset


class SequenceDataset(Dataset[tuple[Tensor, Tensor]]):
    """A split as (codes, label) pairs: uint8 (length,) base codes without padding, and the target of the row."""

    def __init__(self, source: Any, classes: list[str]) -> None:
        self.source, self.classes = source, classes

    def __len__(self) -> int:
        return int(self.source.rows)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """The codes and the target of a row; negative rows count from the end."""
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        taken = self.source.row_arrays(np.array([row % len(self)]))
        return torch.from_numpy(taken.codes)[0], torch.from_numpy(taken.target)[0]
