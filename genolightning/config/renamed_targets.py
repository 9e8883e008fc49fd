"""Class paths that older configs name, and their present paths.

Applied when a run folder or a user's YAML is read, so that no module has to be kept for an old name alone.
"""

from typing import Any

MODULES = {
    "genolightning.module": "genolightning.training.module",
    "genolightning.tasks": "genolightning.training.tasks",
    "genolightning.callbacks": "genolightning.training.resume",
    "genolightning.data.windows": "genolightning.data.genome_source",
}
# full path -> full path, where the class has another name or another module than its neighbours
CLASSES: dict[str, str] = {
    "genolightning.data.genome_source.GenomeWindowsDataModule": (
        "genolightning.data.genome_windows.GenomeWindowsDataModule"
    ),
    "genolightning.training.resume.MetricsFile": "genolightning.training.loggers.CsvMetricsLogger",
    "genolightning.training.resume.Wandb": "genolightning.training.loggers.Wandb",
    "genolightning.training.module.WarmupCosine": "genolightning.training.optimization.WarmupCosine",
    "genolightning.training.resume.Ema": "genolightning.training.averaging.Ema",
    "genolightning.training.tasks.SigmoidTwice": "genolightning.training.tasks.DoubleSigmoid",
    "genolightning.training.tasks.CausalLM": "genolightning.training.language_tasks.CausalLM",
    "genolightning.training.tasks.MaskedLM": "genolightning.training.language_tasks.MaskedLM",
}


def current_name(target: str) -> str:
    """The present path of a class, given any path it ever had.

    >>> current_name("genolightning.module.SequenceModule")
    'genolightning.training.module.SequenceModule'
    """
    module, _, name = target.rpartition(".")
    moved = CLASSES.get(target) or (f"{MODULES[module]}.{name}" if module in MODULES else target)
    return CLASSES.get(moved, moved)


def first_name(target: str) -> str:
    """The first path that a class had: hashes of configs use it, so that a rename does not change them.

    >>> first_name("genolightning.training.module.SequenceModule")
    'genolightning.module.SequenceModule'
    """
    olds = {new: old for old, new in reversed(CLASSES.items())}
    old = olds.get(target, target)
    module, _, name = old.rpartition(".")
    modules = {new: old for old, new in MODULES.items()}
    return f"{modules[module]}.{name}" if module in modules else old


def with_current_names(node: Any) -> Any:
    """A copy of a plain config (dicts, lists, values) in which every `_target_` has its present path."""
    return _renamed(node, current_name)


def with_first_names(node: Any) -> Any:
    """A copy of a plain config in which every `_target_` has the first path that its class had."""
    return _renamed(node, first_name)


def _renamed(node: Any, rename: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: rename(value) if key == "_target_" and isinstance(value, str) else _renamed(value, rename)
            for key, value in node.items()
        }
    return [_renamed(value, rename) for value in node] if isinstance(node, list) else node
