"""Progress output: a progress bar or one line an epoch, without Lightning's own hints."""

import logging
import sys
import warnings

from lightning.pytorch.callbacks import Callback, TQDMProgressBar

from genolightning.training.progress import PlainProgress

LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
SILENCED = (
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*LeafSpec.*deprecated.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*does not have many workers.*",
    r".*The number of training batches .* is smaller than the logging interval.*",
    r".*GPU available but not used.*",
    r".*Experiment logs directory .* exists and is not empty.*",
    r".*The `srun` command is available on your system but is not used.*",  # a login node of Slurm
    r".*It is recommended to use .self.log.*sync_dist=True.*",  # torchmetrics has gathered them already
    r".*No (positive|negative) samples in targets.*",
    r".*You called `self.log.*on_epoch=True.*",
    r".*`trainer.init_module`.*",
    r".*The variance of predictions or target is close to zero.*",
)


def progress_callback() -> Callback:
    """A progress bar in a terminal, else one line an epoch."""
    return TQDMProgressBar(refresh_rate=20, leave=True) if sys.stdout.isatty() else PlainProgress()


def silence_lightning() -> None:
    """Silence Lightning's hints, and warnings about its internals."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in SILENCED:
        warnings.filterwarnings("ignore", message=text)
