"""Which weights of a model are trained: functions that change a built model in place."""

from torch import nn

from genolightning.errors import UserError


def freeze(module: nn.Module, *, part: str = "backbone") -> None:
    """Leave the weights of a part, `backbone` or `head`, as they are; in training it is kept in evaluation mode."""
    parts = dict(module.named_children())
    if part not in parts:
        raise UserError(f"model.freeze={part}: no such part; there are backbone, head")
    parts[part].requires_grad_(False)


def is_frozen(module: nn.Module) -> bool:
    """Whether a module has weights and trains none of them."""
    weights = list(module.parameters())
    return bool(weights) and not any(weight.requires_grad for weight in weights)
