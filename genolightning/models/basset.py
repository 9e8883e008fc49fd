"""Basset: three convolutions, each pooled, then two wide linear layers over everything.

Kelley, Snoek & Rinn 2016 (Genome Research 26:990): 300 filters of 19 bases, pooled by 3; 200 of 11, by 4; 200 of 7, by
4; batch norm and ReLU after each; then 1,000 and 1,000 units with batch norm, ReLU and dropout .3. Convolutions are not
padded, so 600 bp leave 2,000 numbers, as published.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genolightning.batch import Batch, Features
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.base import Backbone, HeadInput, dtype_of
from genolightning.models.heads import exactly, outputs

MIN_BASSET_BP = 168  # leaves one position; what is shorter is padded to this


def framed(batch: Batch, width: int, name: str, dtype: torch.dtype) -> Tensor:
    """One-hot bases padded with zeros on the right: (batch, 4, width). UserError where a row is longer."""
    longest = batch.codes.shape[1]
    if longest > width:
        raise UserError(
            f"this {name} reads {width} bp, a sequence has {longest}; add dataset.too_long=crop to read the first bases"
        )
    return F.pad(batch.channels(dtype), (0, width - longest))


class Basset(Backbone):
    """Base codes to (batch, positions, 200); rows are padded to the longest training row, longer ones refused."""

    dim = 200
    positions: int
    max_length_bp: int

    def __init__(self, *, facts: Facts) -> None:
        super().__init__()
        self.max_length_bp = max(facts.length_bp, MIN_BASSET_BP)
        self.tower = nn.Sequential(
            *(nn.Conv1d(4, 300, 19), nn.BatchNorm1d(300), nn.ReLU(), nn.MaxPool1d(3)),
            *(nn.Conv1d(300, 200, 11), nn.BatchNorm1d(200), nn.ReLU(), nn.MaxPool1d(4)),
            *(nn.Conv1d(200, self.dim, 7), nn.BatchNorm1d(self.dim), nn.ReLU(), nn.MaxPool1d(4)),
        )
        self.positions = (((self.max_length_bp - 18) // 3 - 10) // 4 - 6) // 4

    def forward(self, batch: Batch) -> Features:
        """Values (batch, positions, 200), one mask of all positions."""
        values = self.tower(framed(batch, self.max_length_bp, "basset", dtype_of(self)))
        mask = torch.ones((len(values), self.positions), dtype=torch.bool, device=values.device)
        return Features(values.transpose(1, 2), mask)


class UnitNorm(nn.BatchNorm1d):
    """Batch norm of (batch, units); a lone row in training, which has no deviation, is normed by the running ones."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, units) to the same."""
        if self.training and len(x) == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        return super().forward(x)


class UnitsHead(nn.Module):
    """All channels and positions into layers of `units`, with batch norm, ReLU, dropout: logits (batch, outputs)."""

    def __init__(
        self,
        backbone: Backbone | HeadInput,
        facts: Facts,
        *,
        units: tuple[int, ...] = (1000, 1000),
        norm: bool = True,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if backbone.positions is None:
            raise UserError(f"UnitsHead needs a backbone of fixed length, {type(backbone).__name__} has none")
        if facts.resolution_bp is not None:
            raise UserError(
                "this model gives one label a sequence, the dataset has one a base or bin; choose model=convnet"
            )
        width, layers = backbone.dim * backbone.positions, list[nn.Module]()
        for count in units:
            layers += [
                nn.Linear(width, count),
                UnitNorm(count) if norm else nn.Identity(),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
            width = count
        self.layers = nn.Sequential(*layers, nn.Linear(width, outputs(facts)))

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, outputs) from values (batch, positions, dim)."""
        last: nn.Linear = self.layers[-1]  # type: ignore[assignment]
        return exactly(self.layers[:-1](features.values.transpose(1, 2).flatten(1)), last.weight, last.bias)
