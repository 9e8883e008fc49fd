"""A check of reduced precision: some CPUs and libraries compute a layer wrongly in bf16, without an error."""

import copy
from collections.abc import Callable, Iterable

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.training.module import SequenceModule

DTYPES = {"bf16": torch.bfloat16, "16": torch.float16}
TOLERANCE = 0.02
MOST_ROWS, MOST_BASES = 32, 2**17


def check_reduced_precision(
    module: pl.LightningModule, trainer: pl.Trainer, batches: Callable[[], Iterable[Batch]]
) -> None:
    """Compare predictions for the first rows of `batches()` in the trainer's precision with those in float32.

    UserError where a probability differs by more than .02, a regression by .02 standard deviations of the training
    targets (of larger predictions: 2 %). Nothing is done in float32, nor for a LightningModule of the user's own. The
    module, its running statistics and the random state stay as they are.
    """
    width, _, mode = str(trainer.precision).partition("-")
    if width not in DTYPES or not isinstance(module, SequenceModule):
        return
    device = trainer.strategy.root_device
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        batch = _first_rows(next(iter(batches())), device)
        expected = _outputs(_probe(module).to(device), batch)
        reduced = _probe(module).to(device)
        if mode == "mixed":
            with torch.autocast(device.type, dtype=DTYPES[width]):
                found = _outputs(reduced, batch)
        else:
            found = _outputs(reduced.to(DTYPES[width]), batch)
    difference = ((found - expected).abs() / expected.abs().clamp(min=1)).max().item()
    if not difference <= TOLERANCE:
        raise UserError(
            f"trainer.precision={trainer.precision}: predictions for the first rows differ by {difference:.2g} from "
            f"those in float32 (allowed: {TOLERANCE}), so this machine computes a layer of this model wrongly; "
            "use trainer.precision=32-true"
        )


def _first_rows(batch: Batch, device: torch.device) -> Batch:
    rows = max(1, min(MOST_ROWS, MOST_BASES // batch.codes.shape[1]))
    tokens = None if batch.tokens is None else type(batch.tokens)(*(part[:rows].to(device) for part in batch.tokens))
    codes, lengths, target, index = (
        part[:rows].to(device) for part in (batch.codes, batch.lengths, batch.target, batch.index)
    )
    return Batch(codes, lengths, target, index, tokens)


def _probe(module: SequenceModule) -> SequenceModule:
    """A copy that predicts without dropout, with batch norms that use the statistics of the rows at hand."""
    probe = copy.deepcopy(module).eval()
    for part in probe.modules():
        if isinstance(part, nn.BatchNorm1d):  # untrained running statistics normalise nothing
            part.train()
    return probe


def _outputs(module: SequenceModule, batch: Batch) -> Tensor:
    """Probabilities, or regression values in units of the training targets: float32, of the shape of the logits."""
    logits = module(module.task.prepare(batch)).float()
    return logits if module.facts.target_kind.real_targets else module.task.probabilities(logits)
