"""How weights are trained: parameter groups, weight decay, layer-wise rates, schedules, gradient clipping."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

from genolightning.errors import UserError, constructor_errors


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


@dataclass(frozen=True)
class Optimization:
    """An optimizer and what goes with it.

    `optimizer` is called with parameter groups, `scheduler` with the optimizer and the number of steps.
    `clip`: maximum norm of the gradients (Pascanu et al. 2013); ignored if the trainer has a `gradient_clip_val`.
    `layer_decay`: each layer further from the head has this share of the rate, see `depth_shares`.
    """

    optimizer: Callable[[Iterable[dict[str, Any]]], Optimizer]
    scheduler: Callable[..., LRScheduler] | None = None
    clip: float | None = None
    layer_decay: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None and not (isinstance(self.clip, (int, float)) and self.clip > 0):
            raise UserError(f"model.clip={self.clip}: wanted a norm above 0, e.g. 1, or null")
        decay = self.layer_decay
        if decay is not None and not (isinstance(decay, (int, float)) and 0 < decay <= 1):
            raise UserError(f"model.layer_decay={decay}: wanted a share above 0 and up to 1, e.g. .8")
        kind = getattr(self.scheduler, "func", self.scheduler)  # of a functools.partial
        if isinstance(kind, type) and issubclass(kind, ReduceLROnPlateau):
            raise UserError(
                "scheduler: ReduceLROnPlateau is stepped by a score after the checkpoint is written, so a killed run "
                "could not go on as it was; use scheduler=cosine, or scheduler=none callbacks=early_stopping"
            )

    def build(self, module: nn.Module, total_steps: float) -> Any:
        """The optimizer and schedule of a module, as Lightning's `configure_optimizers` returns them."""
        with constructor_errors("optimizer"):
            optimizer = self.optimizer(parameter_groups(module, layer_decay=self.layer_decay))
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * group.pop("share", 1.0)
        if self.scheduler is None:
            return optimizer
        if total_steps == float("inf"):
            raise UserError(
                "a schedule needs an end: add trainer.max_steps=N or trainer.max_epochs=N, or scheduler=none"
            )
        with constructor_errors("scheduler"):
            scheduler = self.scheduler(optimizer, int(total_steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def clip_value(self, value: float | None, algorithm: str | None) -> float | None:
        """What gradients are clipped at, given the trainer's `gradient_clip_val` and `gradient_clip_algorithm`."""
        if value is None and self.clip and algorithm not in (None, "norm"):
            raise UserError(
                f"trainer.gradient_clip_algorithm={algorithm} needs a threshold: add trainer.gradient_clip_val=N "
                f"(model.clip={self.clip} is a norm)"
            )
        return self.clip if value is None else value


def parameter_groups(module: nn.Module, *, layer_decay: float | None = None) -> list[dict[str, Any]]:
    """Group trained parameters by their options: norms, biases and embeddings are not decayed.

    A parameter's own `_optim` (for example `{"weight_decay": 0, "lr": 1e-4}`) comes last. With `layer_decay` each group
    has its `share` of the rate, the largest first.
    """
    owners = {parameter: owner for owner in module.modules() for parameter in owner.parameters(recurse=False)}
    shares = {} if layer_decay is None else depth_shares(module, layer_decay)
    groups: dict[tuple, dict[str, Any]] = {}
    for parameter in module.parameters():
        if not parameter.requires_grad:
            continue
        options: dict[str, Any] = {"share": shares[parameter]} if shares else {}
        if parameter.ndim < 2 or isinstance(owners[parameter], nn.Embedding):
            options["weight_decay"] = 0.0
        options |= getattr(parameter, "_optim", {})
        group = groups.setdefault(tuple(sorted(options.items())), {"params": [], **options})
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
