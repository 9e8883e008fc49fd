"""Reading a run folder that someone else may have made: resolved, checked against the allow-list, then handed over.

`compose.compose(..., saved=read(folder))` makes it the config `saved`, which test.yaml and predict.yaml build on.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from genolightning.config.compose import leaves
from genolightning.config.renamed_targets import with_current_names
from genolightning.errors import UntrustedRun, UserError

ALLOWED = (
    *(f"genolightning.{layer}" for layer in ("models", "data", "benchmarks", "batch", "training")),
    *("torch.nn", "torch.optim", "torchmetrics"),
    *(f"lightning.pytorch.{name}" for name in ("Trainer", "trainer", "callbacks", "loggers")),
)


def read(folder: str | Path, *, without: Sequence[str] = (), trust: str | None = None) -> dict[str, Any]:
    """Read a run folder's config as plain dicts and lists, with every interpolation resolved.

    `trust` is a package of the user's own whose classes may be named too. A value under a key in `without` is
    checked like the rest, and left out. Raises UserError if this is no run folder, UntrustedRun if its config would
    run anything but constructors on the list; nothing in it has been run by then.
    """
    from omegaconf import OmegaConf

    file = Path(folder) / ".hydra" / "config.yaml"
    if not file.is_file():
        raise UserError(f"{folder}: not a run folder, {file} is missing; give one that `genolightning train` printed")
    try:
        # resolved before it is looked at: ${oc.create:...} would hide a _target_ until then
        plain = with_current_names(OmegaConf.to_container(OmegaConf.load(file), resolve=True))
    except Exception as error:  # YAML and interpolations alone are at work here, and raise many kinds
        raise UserError(f"{file}: {error}") from error
    if not isinstance(plain, dict) or not all(isinstance(plain.get(key), dict) for key in ("dataset", "model")):
        raise UserError(f"{file}: not a run's config, dataset and model should be mappings; was it edited?")
    _check(plain, file, (*ALLOWED, trust) if trust else ALLOWED)
    return {str(key): value for key, value in plain.items() if key not in without}


def _check(plain: dict[Any, Any], file: Path, prefixes: Sequence[str]) -> None:
    for key in ("defaults", "hydra"):  # they would steer the next composition, and pull in other files
        if key in plain:
            raise UntrustedRun(f"{file}: {key}: no run writes this key; make the run again, or delete the key")
    for key, value in leaves(plain):
        if isinstance(value, str) and "${" in value:
            raise UntrustedRun(f"{file}: {key}: {value!r} would be resolved a second time; write the value itself")
        try:
            allowed = "_target_" not in key.split(".") or _is_allowed_class(value, prefixes)
        except ImportError as error:
            reason = f"{file}: {key}: {value}: {error}; is its folder on the Python path? Add it: export PYTHONPATH=DIR"
            raise UntrustedRun(reason) from error
        if not allowed:
            raise UntrustedRun(
                f"{file}: {key}: {value} is not a class that a run may build; "
                f"if you trust the package it is from, add trust={str(value).split('.')[0]}"
            )


def _is_allowed_class(target: Any, prefixes: Sequence[str]) -> bool:
    """Whether a `_target_` names a class defined in one of the listed modules: no function, no re-export.

    ImportError where its module is on the list, and cannot be imported.
    """
    if not _is_inside(target, prefixes):
        return False
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except AttributeError:
        return False
    return isinstance(found, type) and _is_inside(found.__module__, prefixes)


def _is_inside(name: Any, prefixes: Sequence[str]) -> bool:
    return isinstance(name, str) and any(f"{name}.".startswith(f"{prefix}.") for prefix in prefixes)
