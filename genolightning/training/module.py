"""SequenceModule: a backbone, a head and a task, trained by Lightning. Every model of the zoo is one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from genolightning.batch import Batch, Features
from genolightning.errors import Diverged, UserError
from genolightning.facts import Facts
from genolightning.models import heads
from genolightning.models.base import InputSpec, build_backbone
from genolightning.models.strand import AverageStrands, EquivariantStrands, JointStrands, SingleStrand, Strand
from genolightning.training.adapters import freeze, is_frozen
from genolightning.training.optimization import Optimization
from genolightning.training.task import Task

DIVERGED_HINT = "try a smaller rate, e.g. optimizer.lr=1e-4, or trainer.gradient_clip_val=1"
SCORED_TOGETHER = 32  # validation batches; scoring each would take as long as a small model's layer
CHECK_EVERY = 50  # batches; looking at each loss would make a GPU wait for it


class SequenceModule(pl.LightningModule):
    """Codes -> backbone -> head -> logits; the task gives the loss and the validation scores.

    `backbone` is called with `facts=` where it has such a parameter, `head(backbone, facts)` next (None:
    `heads.default`). `strand(facts)` reads one strand or both. `adapt` changes the built model in place, for
    example freezes a part. `provenance` (facts and config, plain values) travels in every checkpoint.
    """

    def __init__(
        self,
        *,
        facts: Facts,
        task: Task,
        backbone: Callable[..., nn.Module],
        optimization: Optimization,
        head: Callable[..., nn.Module] | None = None,
        strand: Callable[[Facts], Strand] = SingleStrand,
        adapt: Callable[[nn.Module], None] | None = None,
    ) -> None:
        super().__init__()
        self.facts, self.task, self.optimization = facts, task, optimization
        self.strand = strand(facts)
        self.backbone = build_backbone(backbone, facts)
        self.head: nn.Module = (head or heads.default)(self.strand.head_input(self.backbone), facts)
        self.strand.check_head(self.head)
        if adapt is not None:
            adapt(self)
        self.val_metrics = task.metrics().clone(prefix="val/")
        self.val_losses: list[tuple[Tensor, int]] = []  # mean loss and rows of each validation batch
        self.val_outputs: list[tuple[Tensor, Tensor]] = []  # what `val_metrics` has not seen yet
        self.recent_losses: list[Tensor] = []  # (batches,) pieces: of every batch since the last validation
        self.provenance: dict[str, Any] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":  # Lightning 2.6 sets it 50 times a step, and nn.Module is slow to set attributes
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def input(self) -> InputSpec:
        """What the backbone can read."""
        return self.backbone.input

    @property
    def max_length_bp(self) -> int | None:
        """The longest row this model takes, None where any length goes."""
        return self.input.max_bp

    def features(self, batch: Batch) -> Features:
        """The backbone's features of the given strand: values (batch, positions, dim) and mask (batch, positions)."""
        features: Features = self.backbone(batch)
        return features

    def forward(self, batch: Batch) -> Tensor:
        """Logits: (batch, outputs), or (batch, places, outputs) where the dataset has a resolution."""
        return self.strand(self.backbone, self.head, batch)

    def predict(self, batch: Batch) -> Tensor:
        """What predictions hold, on the batch's device.

        float32 (batch,) of two classes or regression, (batch, classes) or (batch, labels), with an axis of places after
        the first where the dataset has a resolution; of a language model each row's summed -log p in nats and the
        number of bases it is over, (batch, 2).
        """
        batch = self.task.prepare(batch)
        return self.task.predict(self(batch), batch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add provenance and the losses since the last validation; Diverged where weights are no longer numbers."""
        losses = self._finite_losses()
        if not all(torch.isfinite(weights).all() for weights in self.parameters()):
            raise Diverged(f"weights are no longer numbers after {self._place()}; {DIVERGED_HINT}")
        checkpoint["genolightning"] = self.provenance
        everyone: list[Any] = [losses.cpu()]
        if self.trainer.world_size > 1:
            everyone *= self.trainer.world_size
            torch.distributed.all_gather_object(everyone, losses.cpu())
        checkpoint["losses"] = everyone  # of each process

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this process's losses since the last validation back."""
        losses = checkpoint.get("losses")
        if losses is not None and len(losses) == self.trainer.world_size:
            self.recent_losses = [losses[self.trainer.global_rank]]

    def on_train_start(self) -> None:
        """Move losses of a resumed run to the device, and keep a frozen part's running statistics as they are."""
        # not in on_train_epoch_start, which a run that is resumed in mid-epoch skips
        self.recent_losses = [piece.to(self.device) for piece in self.recent_losses]
        for part in self.children():
            if is_frozen(part):
                part.eval()

    def training_step(self, batch: Batch, number: int) -> Tensor:
        """The mean loss of a batch, a scalar."""
        batch = self.task.prepare(batch)
        loss = self.task.loss(self(batch), batch.target)
        self.recent_losses.append(loss.detach().reshape(1))
        if number % CHECK_EVERY == 0:
            self._finite_losses()
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if every and (self.trainer.global_step + 1) % every == 0:
            self._log_step(loss.detach())
        if self.trainer.is_last_batch and not self.trainer.enable_validation:
            self._log_epoch()
        if self.trainer.world_size > 1:  # processes are averaged as equals, their batches may differ by a row
            loss = loss * self.trainer.train_dataloader.weight(number)  # type: ignore[union-attr]
        return loss

    def _log_step(self, loss: Tensor) -> None:
        # at once: what self.log leaves to Lightning 2.6 is written after a checkpoint of this step, and lost if killed
        rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        scores = {"epoch": self.current_epoch, "lr": rate, "train/loss_step": loss.item()}
        for logger in self.loggers:
            logger.log_metrics(scores, step=self.trainer.global_step)
        self.log("train/loss_step", loss, prog_bar=True, logger=False)

    def _log_epoch(self) -> None:
        """Log the epoch's mean loss where there is no validation to do so."""
        losses, self.recent_losses = self._finite_losses(), []
        mean = self.trainer.strategy.reduce(losses.double().mean().float(), reduce_op="mean")
        for logger in self.loggers:  # at once, as in _log_step
            logger.log_metrics({"epoch": self.current_epoch, "train/loss": float(mean)}, step=self.trainer.global_step)
        self.log("train/loss", mean, prog_bar=True, logger=False)

    def _finite_losses(self) -> Tensor:
        """Every loss since the last validation, (batches,); Diverged where one is not a number."""
        losses = torch.cat(self.recent_losses) if self.recent_losses else torch.zeros(0, device=self.device)
        if not torch.isfinite(losses).all():
            first = int((~torch.isfinite(losses)).nonzero()[0])
            place = self._place(len(losses) - 1 - first)
            raise Diverged(f"the loss is {losses[first].item()} at {place}; {DIVERGED_HINT}")
        self.recent_losses = [losses]
        return losses

    def _place(self, batches_ago: int = 0) -> str:
        batch = self.trainer.fit_loop.epoch_loop.batch_idx - batches_ago
        return f"epoch {self.current_epoch}, batch {batch}"

    def on_validation_epoch_start(self) -> None:
        """Diverged where a training loss is not a number."""
        if not self.trainer.sanity_checking:
            self._finite_losses()

    def validation_step(self, batch: Batch, number: int) -> None:
        """Collect a batch's loss and predictions."""
        batch = self.task.prepare(batch)
        logits = self(batch)
        self.val_losses.append((self.task.loss(logits, batch.target), len(batch.index)))
        self.val_outputs.append(self.task.metric_inputs(logits, batch.target))
        if len(self.val_outputs) == SCORED_TOGETHER:
            self._update_metrics()

    def _update_metrics(self) -> None:
        if self.val_outputs:
            self.val_metrics.update(*(torch.cat(parts) for parts in zip(*self.val_outputs, strict=True)))
        self.val_outputs = []

    def on_validation_epoch_end(self) -> None:
        """Log the validation scores, and the mean training loss since the last validation."""
        losses = torch.stack([loss for loss, _ in self.val_losses]).float()
        rows = losses.new_tensor([rows for _, rows in self.val_losses])
        # once, not each batch: self.log takes as long as a small model's layer
        self.log("val/loss", losses @ rows / rows.sum(), batch_size=int(rows.sum()), sync_dist=True)
        self.val_losses = []
        self._update_metrics()
        self.log_dict({name: value.float() for name, value in self.val_metrics.compute().items()})
        self.val_metrics.reset()
        losses = self._finite_losses()
        if len(losses):
            self.log("train/loss", losses.double().mean().float(), prog_bar=True, sync_dist=True)
        self.recent_losses = []

    def predict_step(self, batch: Batch, number: int = 0) -> tuple[Tensor, Tensor]:
        """Row numbers (batch,) and predictions, see `predict`; both on the CPU."""
        return batch.index.cpu(), self.predict(batch).cpu()

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip by the trainer's threshold if it has one, else by the optimization's norm."""
        if value := self.optimization.clip_value(gradient_clip_val, gradient_clip_algorithm):
            self.clip_gradients(optimizer, value, gradient_clip_algorithm)

    def configure_optimizers(self) -> Any:
        """The optimizer and its schedule, over the trainer's number of steps."""
        steps = self.trainer.estimated_stepping_batches if self.optimization.scheduler is not None else 0
        return self.optimization.build(self, steps)


STRANDS = (AverageStrands, EquivariantStrands, JointStrands)


def build_module(make: Callable[..., pl.LightningModule], *, facts: Facts, task: Task) -> pl.LightningModule:
    """Build a model for a dataset's facts from what a config's `model` was instantiated to.

    A config writes some of a SequenceModule's arguments flat: `optimizer scheduler clip layer_decay` are its
    Optimization, `strand` is a name, `freeze` names a part; `init_from` is read by the run. Other classes get their
    keywords as they are.
    """
    if not (isinstance(make, partial) and isinstance(make.func, type) and issubclass(make.func, SequenceModule)):
        return make(facts=facts, task=task)
    settings = dict(make.keywords)
    settings.pop("init_from", None)
    flat = {name: settings.pop(name) for name in ("optimizer", "scheduler", "clip", "layer_decay") if name in settings}
    if flat:
        settings["optimization"] = Optimization(**flat)
    if (part := settings.pop("freeze", None)) is not None:
        settings["adapt"] = partial(freeze, part=part)
    settings["strand"] = _strand_named(settings.get("strand"))
    return make.func(facts=facts, task=task, **settings)


def _strand_named(strand: Any) -> Any:
    if strand in (None, "none"):
        return SingleStrand
    if not isinstance(strand, str):
        return strand
    for strands in STRANDS:
        if strands.name == strand:
            return strands
    raise UserError(f"model.strand={strand}: wanted none, average, equivariant or joint")
