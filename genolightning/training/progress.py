"""Progress of a fit where the output is not a terminal."""

import time

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from genolightning.console import say


class PlainProgress(Callback):
    """One line an epoch where the output is no terminal."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Print the epoch, its scores and the seconds so far."""
        scores = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        shown = [f"{name} {value:.4f}" for name, value in scores.items() if name != "train/loss_step"]
        spent = time.monotonic() - self.started
        say(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {'  '.join(shown)}  {spent:.0f} s")
