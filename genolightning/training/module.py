"""SequenceModule: a backbone, a head and a task, trained by Lightning. Every model of the zoo is one."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from genolightning.batch import Batch
from genolightning.errors import Diverged, UserError, constructor_errors
from genolightning.facts import Facts
from genolightning.models import heads, strand
from genolightning.training.tasks import LanguageModel, Task

REMEDY = "try a smaller rate, e.g. optimizer.lr=1e-4, or trainer.gradient_clip_val=1"
SCORED_TOGETHER = 32  # validation batches; scoring each would take as long as a small model's layer
CHECK_EVERY = 50  # batches; looking at each loss would make a GPU wait for it


class WarmupCosine(LambdaLR):
    """A linear warm-up over a share of all steps, then half a cosine down to `floor` times the rate."""

    def __init__(self, optimizer: Optimizer, total_steps: int, *, warmup: float = 0.05, floor: float = 0.0) -> None:
        if not (0 <= warmup < 1 and 0 <= floor <= 1):
            raise UserError(f"scheduler: warmup={warmup}, floor={floor}; wanted shares from 0 to 1, e.g. .05 and 0")
        first = max(1, round(warmup * total_steps))

        def share(step: int) -> float:
            if step < first:
                return (step + 1) / first
            done = min(1.0, (step - first) / max(1, total_steps - first))
            return floor + (1 - floor) * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * done)).item())

        super().__init__(optimizer, share)


class SequenceModule(pl.LightningModule):
    """Codes -> backbone -> head -> logits; the task gives the loss and the validation scores.

    `backbone` is called with `facts=` where it asks for them, `head(backbone, facts)` next (None: `heads.default`).
    `strand`: none, average (mean logits of both strands), equivariant (the larger of both strands' features) or joint
    (both strands' features side by side).
    `freeze`: name of a part (`backbone`) that is not trained.
    `layer_decay`: rates that fall with each layer below the head, see `depth_shares`.
    `clip`: gradients are scaled down to this norm (Pascanu et al. 2013), unless the trainer has a word of its own.
    `init_from`: the run whose weights a fit begins with; `train` reads it, a model that is loaded has its own.
    `optimizer` is called with parameter groups, `scheduler` with the optimiser and the number of steps.
    """

    def __init__(
        self,
        *,
        facts: Facts,
        task: Task,
        backbone: Callable[..., nn.Module],
        optimizer: Callable[[Iterable[dict[str, Any]]], Optimizer],
        head: Callable[..., nn.Module] | None = None,
        scheduler: Callable[..., LRScheduler] | None = None,
        strand: str | None = "none",
        freeze: str | None = None,
        layer_decay: float | None = None,
        clip: float | None = None,
        init_from: str | None = None,
    ) -> None:
        super().__init__()
        if clip is not None and not (isinstance(clip, (int, float)) and clip > 0):
            raise UserError(f"model.clip={clip}: wanted a norm above 0, e.g. 1, or null")
        if layer_decay is not None and not (isinstance(layer_decay, (int, float)) and 0 < layer_decay <= 1):
            raise UserError(f"model.layer_decay={layer_decay}: wanted a share above 0 and up to 1, e.g. .8")
        if strand not in (None, "none", "average", "equivariant", "joint"):
            raise UserError(f"model.strand={strand}: wanted none, average, equivariant or joint")
        if strand not in (None, "none") and isinstance(task, LanguageModel):
            raise UserError(f"model.strand={strand}: a language model reads one strand; add model.strand=none")
        self.facts, self.task = facts, task
        self.backbone = backbone(facts=facts) if _asks_for_facts(backbone) else backbone()
        if strand not in (None, "none") and hasattr(self.backbone, "tokenize"):
            raise UserError(
                f"model.strand={strand}: tokens are read one way; add model.strand=none, and "
                "dataset.augment.reverse_complement=true for both strands in training"
            )
        self.head: nn.Module = (head or heads.default)(_seen_by_head(self.backbone, strand, facts), facts)  # type: ignore[arg-type]
        if strand == "equivariant" and getattr(self.head, "one_way", False):
            raise UserError(
                f"model.strand=equivariant: {type(self.head).__name__} reads neighbouring positions in one direction, "
                "so strands would differ; choose model.strand=average"
            )
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self.strand, self.layer_decay, self.init_from = strand or "none", layer_decay, init_from
        self.clip, self.frozen = clip, freeze
        if freeze is not None:
            part = dict(self.named_children()).get(freeze)
            if part is None:
                raise UserError(f"model.freeze={freeze}: no such part; there are backbone, head")
            part.requires_grad_(False)
        self.scores = task.metrics().clone(prefix="val/")
        self.judged: list[tuple[Tensor, int]] = []  # mean loss and rows of each validation batch
        self.observed: list[tuple[Tensor, Tensor]] = []  # what `scores` is not told yet
        self.losses: list[Tensor] = []  # (batches,) pieces: of every batch since the last validation
        self.made_from: dict[str, Any] = {}  # facts and config, plain values; they travel in every checkpoint

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_current_fx_name":  # Lightning 2.6 notes it 50 times a step, and a Module looks hard at each
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def max_length_bp(self) -> int | None:
        """The longest row this model takes, None where any length goes."""
        longest: int | None = getattr(self.backbone, "max_length_bp", None)
        return longest

    def forward(self, batch: Batch) -> Tensor:
        """Logits: (batch, outputs), or (batch, places, outputs) where the dataset has a resolution."""
        if self.strand == "average" and batch.tokens is None:
            return strand.average(self._one_strand, batch, self.facts)
        return self._one_strand(batch)

    def _one_strand(self, batch: Batch) -> Tensor:
        match self.strand:
            case "equivariant":
                features = strand.equivariant(self.backbone, batch)  # type: ignore[arg-type]
            case "joint":
                features = strand.joint(self.backbone, batch, self.facts)  # type: ignore[arg-type]
            case _:
                features = self.backbone(batch)
        logits: Tensor = self.head(features, batch)
        return logits

    def _asked(self, batch: Batch) -> Batch:
        """The batch as a language model's task asks it; any other as it is."""
        return self.task.ask(batch, training=self.training) if isinstance(self.task, LanguageModel) else batch

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        losses = self._finite_losses()
        if not all(torch.isfinite(weights).all() for weights in self.parameters()):
            raise Diverged(f"weights are no longer numbers after {self._place()}; {REMEDY}")
        checkpoint["genolightning"] = self.made_from
        everyone: list[Any] = [losses.cpu()]
        if self.trainer.world_size > 1:
            everyone *= self.trainer.world_size
            torch.distributed.all_gather_object(everyone, losses.cpu())
        checkpoint["losses"] = everyone  # of each process

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        losses = checkpoint.get("losses")
        if losses is not None and len(losses) == self.trainer.world_size:
            self.losses = [losses[self.trainer.global_rank]]

    def on_train_start(self) -> None:  # a run that goes on in mid-epoch never comes by on_train_epoch_start
        self.losses = [piece.to(self.device) for piece in self.losses]
        if self.frozen is not None:
            getattr(self, self.frozen).eval()  # a frozen part's running statistics stay as they are

    def training_step(self, batch: Batch, number: int) -> Tensor:
        batch = self._asked(batch)
        loss = self.task.loss(self(batch), batch.target)
        self.losses.append(loss.detach().reshape(1))
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
        """Tell the epoch's mean loss where no validation does."""
        losses, self.losses = self._finite_losses(), []
        mean = self.trainer.strategy.reduce(losses.double().mean().float(), reduce_op="mean")
        for logger in self.loggers:  # at once, as in _log_step
            logger.log_metrics({"epoch": self.current_epoch, "train/loss": float(mean)}, step=self.trainer.global_step)
        self.log("train/loss", mean, prog_bar=True, logger=False)

    def _finite_losses(self) -> Tensor:
        """Every loss since the last validation, (batches,); Diverged where one is not a number."""
        losses = torch.cat(self.losses) if self.losses else torch.zeros(0, device=self.device)
        if not torch.isfinite(losses).all():
            first = int((~torch.isfinite(losses)).nonzero()[0])
            raise Diverged(f"the loss is {losses[first].item()} at {self._place(len(losses) - 1 - first)}; {REMEDY}")
        self.losses = [losses]
        return losses

    def _place(self, batches_ago: int = 0) -> str:
        batch = self.trainer.fit_loop.epoch_loop.batch_idx - batches_ago
        return f"epoch {self.current_epoch}, batch {batch}"

    def on_validation_epoch_start(self) -> None:
        if not self.trainer.sanity_checking:
            self._finite_losses()

    def validation_step(self, batch: Batch, number: int) -> None:
        batch = self._asked(batch)
        logits = self(batch)
        self.judged.append((self.task.loss(logits, batch.target), len(batch.index)))
        self.observed.append(self.task.observed(logits, batch.target))
        if len(self.observed) == SCORED_TOGETHER:
            self._score()

    def _score(self) -> None:
        if self.observed:
            self.scores.update(*(torch.cat(parts) for parts in zip(*self.observed, strict=True)))
        self.observed = []

    def on_validation_epoch_end(self) -> None:
        losses = torch.stack([loss for loss, _ in self.judged]).float()
        rows = losses.new_tensor([rows for _, rows in self.judged])
        # once, not each batch: self.log takes as long as a small model's layer
        self.log("val/loss", losses @ rows / rows.sum(), batch_size=int(rows.sum()), sync_dist=True)
        self.judged = []
        self._score()
        self.log_dict({name: value.float() for name, value in self.scores.compute().items()})
        self.scores.reset()
        losses = self._finite_losses()
        if len(losses):
            self.log("train/loss", losses.double().mean().float(), prog_bar=True, sync_dist=True)
        self.losses = []

    def predict_step(self, batch: Batch, number: int = 0) -> tuple[Tensor, Tensor]:
        """(row numbers, what `task.probabilities` gives), on the CPU; of a language model each row's summed -log p in
        nats and how many bases that is over, float (batch, 2).
        """
        if isinstance(self.task, LanguageModel):
            asked = self._asked(batch)
            return batch.index.cpu(), self.task.surprise(self(asked), asked.target).cpu()
        return batch.index.cpu(), self.task.probabilities(self(batch)).cpu()

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        norm = self.clip if gradient_clip_val is None else gradient_clip_val
        if gradient_clip_val is None and self.clip and gradient_clip_algorithm not in (None, "norm"):
            raise UserError(
                f"trainer.gradient_clip_algorithm={gradient_clip_algorithm}: to what? add trainer.gradient_clip_val=N "
                f"(model.clip={self.clip} is a norm)"
            )
        if norm:
            self.clip_gradients(optimizer, norm, gradient_clip_algorithm)

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(self, layer_decay=self.layer_decay)
        with constructor_errors("optimizer"):
            optimizer = self.make_optimizer(groups)
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * group.pop("share", 1.0)
        if self.make_scheduler is None:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise UserError(
                "a schedule needs an end: add trainer.max_steps=N or trainer.max_epochs=N, or scheduler=none"
            )
        with constructor_errors("scheduler"):
            scheduler = self.make_scheduler(optimizer, int(steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def parameter_groups(module: nn.Module, *, layer_decay: float | None = None) -> list[dict[str, Any]]:
    """Trained parameters in groups of like wishes: norms, biases and embeddings are not decayed; a parameter's own
    `_optim` (for example `{"weight_decay": 0, "lr": 1e-4}`) comes last. With `layer_decay` each group has its `share`
    of the rate, the largest first.
    """
    owners = {parameter: owner for owner in module.modules() for parameter in owner.parameters(recurse=False)}
    shares = {} if layer_decay is None else depth_shares(module, layer_decay)
    groups: dict[tuple, dict[str, Any]] = {}
    for parameter in module.parameters():
        if not parameter.requires_grad:
            continue
        wishes: dict[str, Any] = {"share": shares[parameter]} if shares else {}
        if parameter.ndim < 2 or isinstance(owners[parameter], nn.Embedding):
            wishes["weight_decay"] = 0.0
        wishes |= getattr(parameter, "_optim", {})
        group = groups.setdefault(tuple(sorted(wishes.items())), {"params": [], **wishes})
        group["params"].append(parameter)
    if not groups:
        raise UserError("nothing is left to train; unset model.freeze")
    return sorted(groups.values(), key=lambda group: -group.get("share", 1.0))  # the first group's rate is logged


def depth_shares(module: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """Each parameter's share of the rate: `decay` to the power of its distance from the head (Howard & Ruder 2018).

    A backbone's layers are its longest ModuleList, the last of them at distance 1; what is made before them (embedding,
    stem) is one further than the first, what is made after them (a last norm) counts with the head, 0. A backbone
    without such a list is one layer. A tied embedding is the backbone's.
    """
    backbone = module.get_submodule("backbone")
    lists = [part for part in backbone.modules() if isinstance(part, nn.ModuleList)]
    layers = max(lists, key=len, default=nn.ModuleList())
    inside = {parameter: len(layers) - i for i, layer in enumerate(layers) for parameter in layer.parameters()}
    distance, below = dict.fromkeys(module.parameters(), 0), True
    for parameter in backbone.parameters():
        below = below and parameter not in inside
        distance[parameter] = inside.get(parameter, len(layers) + 1 if below else 0)
    return {parameter: decay**steps for parameter, steps in distance.items()}


def _seen_by_head(backbone: nn.Module, wish: str | None, facts: Facts) -> Any:
    return strand.seen_by_head(backbone, wish, facts) if wish in ("equivariant", "joint") else backbone  # type: ignore[arg-type]


def _asks_for_facts(backbone: Callable[..., nn.Module]) -> bool:
    maker = backbone.func if isinstance(backbone, partial) else backbone
    code = getattr(getattr(maker, "__init__", maker), "__code__", None)
    return code is not None and "facts" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
