"""Which weights of a model are trained: functions that change a built model in place."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from genolightning.errors import UserError


def freeze(module: nn.Module, *, part: str = "backbone") -> None:
    """Leave the weights of a part, `backbone` or `head`, as they are; in training it is kept in evaluation mode."""
    parts = dict(module.named_children())
    if part not in parts:
        raise UserError(f"model.freeze={part}: no such part; there are backbone, head")
    parts[part].requires_grad_(False)


def warnings_of_random(module: nn.Module, settings: Mapping[str, Any]) -> list[str]:
    """A warning where a frozen backbone stays random: `settings`, a config's `model`, name no run to start from.

    A backbone class of the user's own may load weights itself, so none is given for it.
    """
    shipped = type(getattr(module, "backbone", None)).__module__.startswith("genolightning.")
    if settings.get("freeze") != "backbone" or settings.get("init_from") or not shipped:
        return []
    return [
        "model.freeze=backbone without model.init_from: the backbone stays random and only the head is trained; "
        "add model.init_from=RUN"
    ]


def is_frozen(module: nn.Module) -> bool:
    """Whether a module has weights and trains none of them."""
    weights = list(module.parameters())
    return bool(weights) and not any(weight.requires_grad for weight in weights)
