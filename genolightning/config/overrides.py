"""Configuration overrides such as `optimizer.lr=1e-3`: made from Python values, quoted, checked before composing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as texts
from genolightning.config import keys
from genolightning.errors import UserError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig


def value_of(overrides: Sequence[str], key: str) -> str | None:
    """The value that overrides give a key, without quotes; None if they leave it out or set null. The last counts.

    >>> value_of(["run=logs/a=b", "seed=1"], "run")
    'logs/a=b'
    """
    values = [override.partition("=")[2] for override in overrides if key_of(override) == key]
    if not values or values[-1] in ("", "null"):
        return None
    value = values[-1]
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def key_of(override: str) -> str:
    """The dotted key of an override, without the signs that add or delete.

    >>> key_of("+dataset.mine=3"), key_of("~callbacks.early_stopping")
    ('dataset.mine', 'callbacks.early_stopping')
    """
    return override.partition("=")[0].lstrip("+~")


def from_values(values: Mapping[str, Any]) -> list[str]:
    """Overrides from Python values: nested dicts and `__` in a name both mean a dot; an empty mapping stays one value.

    >>> from_values({"optimizer__lr": 1e-3, "dataset": {"batch_size": 32}, "trainer.max_time": None})
    ['optimizer.lr=0.001', 'dataset.batch_size=32', 'trainer.max_time=null']
    """
    return [f"{key}={_literal(key, value)}" for key, value in _flat(values)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if not isinstance(name, str):
            raise UserError(f"{name!r}: the name of a setting is text, e.g. 'optimizer.lr'")
        key = f"{prefix}.{name}" if prefix else name
        key = key.replace("__", ".") if not re.search(r"(^|\.)_\w+_$", key) else key  # but not _target_
        if isinstance(value, Mapping) and value:
            yield from _flat(value, key)
        else:
            yield key, value


def _literal(key: str, value: Any) -> str:
    """A Python value in Hydra's grammar; UserError for an object that no config file could hold."""
    if isinstance(value, Path):
        value = str(value)
    if hasattr(value, "item") and not hasattr(value, "__len__"):  # a number of NumPy's
        value = value.item()
    if isinstance(value, str):
        return value if keys.properties(key).path and value and value[0] not in "'\"" else quote(value)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value) if not isinstance(value, float) else repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_literal("", element) for element in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{_literal('', element)}" for name, element in value.items()) + "}"
    raise UserError(
        f"{key}={value!r}: a {type(value).__name__} cannot be written into a config; "
        "wanted text, a number, true or false, null, a list or a mapping"
    )


def quote(value: str) -> str:
    """A value in Hydra's single quotes: quotes in it, and backslashes before one, are escaped."""
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value) + "'"


def prepared(override: str) -> str:
    """An override as Hydra takes it: paths are quoted, and an optional key may be missing in the model's YAML."""
    key, _, value = override.partition("=")
    override = f"++{override}" if keys.properties(key).optional else override
    plain = value in ("", "null", "???") or value[0] in "'\""
    if plain or not keys.properties(key.lstrip("+")).path:
        return override
    return f"{override.partition('=')[0]}={quote(value)}"


def check_resumable(overrides: Sequence[str]) -> None:
    """Refuse overrides that a resumed run would ignore: its optimizer and its rows come from its checkpoint."""
    for override in overrides:
        key = key_of(override)
        # another choice of a whole group is refused where the config is composed
        if keys.properties(key).only_at_start and (key not in keys.GROUPS or override.partition("=")[2][:1] == "{"):
            raise UserError(
                f"{override}: a run goes on as it was begun, so {key} stays; begin another without resume=, and with "
                "model.init_from=RUN if it should have these weights"
            )


def check_groups(parsed: Sequence["Override"], saved: Mapping[str, Any], config_dir: Path | None) -> None:
    """Refuse overrides that Hydra would reject or misread: no key, a changed group of a saved run, `+dataset=other`."""
    for override in parsed:
        group, line, value = override.key_or_group, override.input_line, override.value()
        if not group:
            raise UserError(f"{line}: not of the form key=value")
        if isinstance(saved.get(group), Mapping) and not isinstance(value, Mapping):
            raise UserError(f"{line}: a run keeps its own {group}; single keys of it can be set: {group}.KEY=VALUE")
        options = texts.choices(group, config_dir)
        if options and not override.is_sweep_override() and not isinstance(value, str):
            raise UserError(f"{line}: name one of {', '.join(options)}; single keys are set by {group}.KEY=VALUE")


def check_added(parsed: Sequence["Override"], cfg: "DictConfig") -> None:
    """Refuse a `+key=value` that nothing reads: no key of the program, and no `${key}` in the config."""
    from omegaconf import OmegaConf

    text = ""
    for override in parsed:
        key = override.key_or_group
        root = key.partition(".")[0]
        if not (override.is_add() or override.is_force_add()) or root in ("hydra", *keys.GROUPS) or keys.entry(key):
            continue
        text = text or OmegaConf.to_yaml(cfg)
        if f"${{{root}" not in text:
            known = [str(name) for name in cfg if name not in ("hydra", root)]
            raise UserError(
                f"{override.input_line}: nothing reads {key}; {texts.near(root, known)}there are {', '.join(known)}"
            )


def check_types(parsed: Sequence["Override"], usual: "DictConfig") -> None:
    """Refuse a value of another type than the YAML's, such as `max_epochs=abc`; null is always accepted."""
    from omegaconf import OmegaConf

    for override in parsed:
        key = override.key_or_group
        if override.is_delete() or override.is_add() or override.is_force_add() or key.startswith("hydra"):
            continue
        try:
            old = OmegaConf.select(usual, key)
        except Exception:  # an interpolation that the other overrides have yet to satisfy
            continue
        new = override.value()
        if not isinstance(new, str) or "${" not in new:
            _check_type(key, old, new)


def _check_type(key: str, old: Any, new: Any) -> None:
    from omegaconf import DictConfig, ListConfig

    if isinstance(old, DictConfig) and isinstance(new, Mapping):
        for name, value in new.items():
            _check_type(f"{key}.{name}", old.get(name), value)
        return
    kinds: list[tuple[type, Any, str]] = [
        (bool, bool, f"true or false, like {str(old).lower()}"),
        (int, int, f"a whole number, like {old}"),
        (float, (int, float), f"a number, like {old}"),
        (ListConfig, list, "a list, like [a,b]"),
        (DictConfig, Mapping, f"keys of its own: {key}.KEY=VALUE"),
    ]
    for kind, accepted, wanted in kinds:
        if isinstance(old, kind):
            if new is not None and (not isinstance(new, accepted) or (isinstance(new, bool) and accepted is not bool)):
                raise UserError(f"{key}={new}: expected {wanted}")
            return
