"""An exponential moving average of the weights, in whose place it is validated, kept and tested."""

from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from genolightning.errors import UserError


class Ema(WeightAveraging):
    """Validate, keep and test an exponential moving average of the weights (running statistics too) in their place.

    After step n it keeps min(decay, (1 + n) / (10 + n)) of what it was: the weights of the start are soon forgotten.
    """

    def __init__(self, *, decay: float = 0.99) -> None:
        if not (isinstance(decay, (int, float)) and 0 <= decay < 1):
            raise UserError(f"callbacks.weight_averaging.decay={decay}: wanted 0 to 1, e.g. .99")
        super().__init__(multi_avg_fn=self._mean)
        self.decay, self.steps = decay, 0

    @property
    def state_key(self) -> str:
        """The key of this callback's state in checkpoints."""
        return "Ema"

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the average on the device that the model is moved to only after this."""
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After every step, and not again at the end of an epoch."""
        if step_idx is not None:
            self.steps = step_idx
        return super().should_update(step_idx, epoch_idx)

    @torch.no_grad()
    def _mean(self, averages: list[Tensor], weights: list[Tensor], count: Any) -> None:
        steps = self.steps  # not `count`, for which the computation would wait for a GPU
        kept = min(self.decay, (1 + steps) / (10 + steps))
        if averages[0].is_floating_point():
            get_ema_multi_avg_fn(kept)(averages, weights, count)  # type: ignore[no-untyped-call]
        else:  # counters
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)
