"""Words -> config -> run folder, for every verb that takes Hydra overrides. The one caller of Hydra's compose."""

import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock, Timeout

from genolightning.config import keys
from genolightning.config import overrides as words
from genolightning.config.renamed_targets import current_name
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import conf_dir, logs_dir

if TYPE_CHECKING:  # Hydra takes a tenth of a second to import: only where a config is composed
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig


class Composed(NamedTuple):
    """What the words and the YAML files make together."""

    cfg: "DictConfig"  # the job's config; `choices` in it holds the choice made in each group
    run_dir: Path | None  # the run folder the words name, if they name one


def compose(
    primary: str, overrides: Sequence[str], *, config_dir: Path | None = None, saved: Mapping[str, Any] | None = None
) -> Composed:
    """Compose `conf/<primary>.yaml` (or, for "saved", the config of a run folder) with a user's overrides.

    Every mistake in words or YAML raises a UserError of one sentence: an unknown choice, key or group (with the real
    ones), a malformed word, a missing value, a value of another type than the YAML's, an interpolation to nothing.
    """
    import hydra
    from hydra.core.config_store import ConfigStore
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf, open_dict

    ConfigStore.instance().store("saved", dict(saved or {}))
    given = [_quoted(word) for word in overrides]
    if config_dir:
        given.append(f"hydra.searchpath=[{_quote(f'file://{Path(config_dir).resolve()}')}]")
    try:  # only words and YAML are at work here, and Hydra raises bare ValueErrors too
        with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
            parsed = OverridesParser.create().parse_overrides(given)
            _check_groups(parsed, saved or {}, config_dir)
            cfg = hydra.compose(primary, given, return_hydra_config=True)
            own = cfg.hydra
            chosen = {group: choice for group, choice in own.runtime.choices.items() if "/" not in group}
            values = [word for word in parsed if word.key_or_group not in (*own.runtime.choices, "hydra.searchpath")]
            usual = hydra.compose(primary, [str(w.input_line) for w in parsed if w not in values]) if values else cfg
        _check_types(values, usual)
        cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        _rename_targets(cfg)
        with open_dict(cfg):
            cfg.choices = dict(sorted({**((saved or {}).get("choices") or {}), **chosen}.items()))
        _check_whole(cfg)
    except Exception as error:
        raise error if isinstance(error, UserError) else UserError(_explain(error)) from error
    named = any(word.key_or_group == "hydra.run.dir" for word in parsed)
    return Composed(cfg, Path(own.run.dir).absolute() if named else None)


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in nested dicts and lists, with its dotted key."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node


def show(composed: Composed) -> int:
    """Say the whole config, as `--cfg` asks; the exit code is 0."""
    from omegaconf import OmegaConf

    say(OmegaConf.to_yaml(composed.cfg, resolve=True).rstrip())
    return 0


@contextmanager
def run_folder(verb: str, composed: Composed, *, resume: str | Path | None = None) -> Iterator[Path]:
    """Make the folder of a run, hold its lock while the run lasts, and write its config; yields the folder.

    It is `hydra.run.dir`, or the run to resume, or `logs/<verb>/<dataset>/<model>/<time>-<seed>-<hex>`. Refused
    (UserError): a folder that another run holds, one that holds a run already (unless resumed), one that cannot be
    written. An error before anything was written leaves no folder behind. The other processes of a DDP run only learn
    where it is.
    """
    folder = Path(resume).absolute() if resume else composed.run_dir or _new_folder(verb, composed.cfg)
    if not _is_first_process():
        yield folder
        return
    ours = not folder.exists()
    lock = _claim(folder, composed, resumed=bool(resume))
    try:
        yield folder
    except Exception:
        if ours:
            _remove_if_unused(folder)
        raise
    finally:
        lock.release()


def _claim(folder: Path, composed: Composed, *, resumed: bool) -> FileLock:
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        if not resumed:
            _refuse_used(folder)
        _write_config(composed.cfg, folder)
    except (OSError, UserError) as error:
        lock.release()
        if isinstance(error, UserError):
            raise
        if isinstance(error, Timeout):
            told = f"{folder}: another run is writing there; wait for it, or name another with hydra.run.dir=DIR"
        else:
            told = (
                f"cannot write the run folder {folder} ({error.strerror or error}); "
                "name a place that can be written with hydra.run.dir=DIR or GENOLIGHTNING_LOGS"
            )
        raise UserError(told) from error
    return lock


def _quote(value: str) -> str:
    """A value in Hydra's single quotes: quotes in it, and backslashes before one, are escaped."""
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value) + "'"


def _quoted(word: str) -> str:
    key, _, value = word.partition("=")
    word = f"++{word}" if keys.properties(key).optional else word
    plain = value in ("", "null", "???") or value[0] in "'\""
    return word if plain or not keys.properties(key.lstrip("+")).path else f"{word.partition('=')[0]}={_quote(value)}"


def _check_groups(parsed: Sequence["Override"], saved: Mapping[str, Any], config_dir: Path | None) -> None:
    """Words that Hydra refuses without naming them, or takes amiss: `+dataset=other` would mix two datasets."""
    for word in parsed:
        group, line, value = word.key_or_group, word.input_line, word.value()
        if not group:
            raise UserError(f"{line}: not of the form key=value")
        if isinstance(saved.get(group), Mapping) and not isinstance(value, Mapping):
            raise UserError(f"{line}: a run keeps its own {group}; single keys of it can be set: {group}.KEY=VALUE")
        options = words.choices(group, config_dir)
        if options and not word.is_sweep_override() and not isinstance(value, str):
            raise UserError(f"{line}: name one of {', '.join(options)}; single keys are set by {group}.KEY=VALUE")


def _check_types(parsed: Sequence["Override"], usual: "DictConfig") -> None:
    """Untyped YAML would take `max_epochs=abc`: a value must be of the type that stands in the YAML, or null."""
    from omegaconf import OmegaConf

    for word in parsed:
        if word.is_delete() or word.is_add() or word.is_force_add() or word.key_or_group.startswith("hydra"):
            continue
        try:
            old = OmegaConf.select(usual, word.key_or_group)
        except Exception:  # an interpolation that the other words have yet to satisfy
            continue
        new = word.value()
        if not isinstance(new, str) or "${" not in new:
            _check_type(word.key_or_group, old, new)


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


def _rename_targets(node: Any) -> None:
    """Give each `_target_` of a user's YAML, or of a run made before a rename, its present path, in place."""
    from omegaconf import DictConfig, ListConfig, OmegaConf

    keys = list(node) if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        if OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key):
            continue
        value = node[key]
        if key == "_target_" and isinstance(value, str) and current_name(value) != value:
            node[key] = current_name(value)
        elif isinstance(value, (DictConfig, ListConfig)):
            _rename_targets(value)


def _check_whole(cfg: "DictConfig") -> None:
    from omegaconf import OmegaConf

    for group in ("dataset", "model", "trainer"):
        if not OmegaConf.is_dict(cfg.get(group)):
            raise UserError(f"a run needs a {group}: {group}=NAME; there are {', '.join(words.choices(group))}")
    for key, value in leaves(OmegaConf.to_container(cfg)):
        if value == "???":
            raise UserError(f"{key} has no value; add {key}=VALUE")
    OmegaConf.to_container(cfg, resolve=True)  # an interpolation to nothing raises here


def _explain(error: Exception) -> str:
    """What Hydra or OmegaConf complain of, in one sentence that names what there is instead."""
    cause, text = error.__cause__, " ".join(str(error).split("\nSee https")[0].split())
    if options := getattr(error, "options", None):
        group, _, choice = str(getattr(error, "missing_cfg_file", "")).rpartition("/")
        return f"{group}={choice}: no such choice; {words.near(choice, options)}there are {', '.join(options)}"
    parent = getattr(cause, "parent_node", None)
    if parent is not None and hasattr(parent, "keys"):
        keys = [str(key) for key in parent if key not in ("hydra", "_target_", "_partial_")]
        return (
            f"{getattr(cause, 'full_key', '')}: no such key; "
            f"{words.near(str(getattr(cause, 'key', '')), keys)}there are {', '.join(keys)}"
        )
    if override := getattr(error, "override", None):
        return f"{override}: not of the form key=value; a value with , = or brackets needs quotes, as in \"key='a,b'\""
    text = text.replace("requires --multirun", "names several, and a run takes one")
    return re.split(r"To append to your default list|3\. To sweep|object_type=", text)[0].strip()


def _is_first_process() -> bool:
    """Whether this process writes the run folder: Lightning, torchrun and SLURM number theirs."""
    step = int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1
    rank = os.environ.get("RANK") or (os.environ.get("SLURM_PROCID") if step else None) or os.environ.get("LOCAL_RANK")
    return int(rank or 0) == 0


def _new_folder(verb: str, cfg: "DictConfig") -> Path:
    if int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1:
        raise UserError("several processes were started from outside: give them one folder with hydra.run.dir=DIR")
    names = [re.sub(r"[^\w.+-]+|^\.+", "-", str(name)) for name in (cfg.dataset.get("name"), cfg.choices.get("model"))]
    folder = logs_dir().joinpath(
        verb, *names, f"{datetime.now():%Y%m%d-%H%M%S}-{cfg.get('seed')}-{secrets.token_hex(2)}"
    )
    sys.argv.append(f"hydra.run.dir={folder}")  # for the processes that Lightning starts with these words
    return folder


def _refuse_used(folder: Path) -> None:
    if (folder / "record.json").exists():
        raise UserError(f"{folder} holds a finished run; name another folder with hydra.run.dir=DIR")
    if any(folder.glob("checkpoints/*.ckpt")):
        raise UserError(f"{folder} holds an unfinished run; go on with: genolightning train resume={folder}")


def _write_config(cfg: "DictConfig", folder: Path) -> None:
    from omegaconf import OmegaConf

    file = folder / ".hydra" / "config.yaml"
    file.parent.mkdir(exist_ok=True)
    half = file.with_name(f"config.yaml.{os.getpid()}")
    half.write_text(OmegaConf.to_yaml(cfg))
    os.replace(half, file)


def _remove_if_unused(folder: Path) -> None:
    """Remove a run folder that holds no more than its config and lock."""
    if {path.name for path in folder.iterdir()} <= {".hydra", ".lock"}:
        shutil.rmtree(folder)
