"""DeepSEA: three convolutions of eight bases, wider and wider, then one linear layer over everything.

Zhou & Troyanskaya 2015 (Nature Methods 12:931): 320, 480 and 960 filters, the first two pooled by 4, dropout .2, .2 and
.5; then 925 units. With 1,000 bp and 919 labels it has the 52,843,119 parameters of the paper. Left out: its penalties
(max-norm, L1 on the units, L2), which optimizer.weight_decay replaces.
"""

import torch
from torch import nn

from genolightning.batch import Batch, Features
from genolightning.facts import Facts
from genolightning.models.base import Backbone, dtype_of
from genolightning.models.basset import framed

MIN_DEEPSEA_BP = 163  # leaves one position; what is shorter is padded to this


class DeepSEA(Backbone):
    """Base codes to (batch, positions, 960); rows are padded to the longest training row, longer ones refused."""

    dim = 960
    positions: int
    max_length_bp: int

    def __init__(self, *, facts: Facts) -> None:
        super().__init__()
        self.max_length_bp = max(facts.length_bp, MIN_DEEPSEA_BP)
        self.tower = nn.Sequential(
            *(nn.Conv1d(4, 320, 8), nn.ReLU(), nn.MaxPool1d(4), nn.Dropout(0.2)),
            *(nn.Conv1d(320, 480, 8), nn.ReLU(), nn.MaxPool1d(4), nn.Dropout(0.2)),
            *(nn.Conv1d(480, self.dim, 8), nn.ReLU(), nn.Dropout(0.5)),
        )
        self.positions = ((self.max_length_bp - 7) // 4 - 7) // 4 - 7

    def forward(self, batch: Batch) -> Features:
        """Values (batch, positions, 960), one mask of all positions."""
        values = self.tower(framed(batch, self.max_length_bp, "deepsea", dtype_of(self)))
        mask = torch.ones((len(values), self.positions), dtype=torch.bool, device=values.device)
        return Features(values.transpose(1, 2), mask)
