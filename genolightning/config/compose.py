"""Overrides and YAML files composed into the config of a run; the only caller of Hydra's compose."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genolightning.config import help as texts
from genolightning.config.overrides import check_added, check_groups, check_types, prepared, quote
from genolightning.config.renamed_targets import current_name
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import conf_dir
from genolightning.runs.folder import new_folder

if TYPE_CHECKING:  # Hydra takes a tenth of a second to import: only where a config is composed
    from omegaconf import DictConfig


class Composed(NamedTuple):
    """A composed config, and the run folder that the overrides name."""

    cfg: "DictConfig"  # `choices` in it holds the choice made in each group
    run_dir: Path | None  # None where no hydra.run.dir is given

    @property
    def config(self) -> dict[str, Any]:
        """The config as plain dicts, lists and values, every interpolation resolved."""
        from omegaconf import OmegaConf

        return OmegaConf.to_container(self.cfg, resolve=True)  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """The config as YAML with its interpolations, as the run folder keeps it."""
        from omegaconf import OmegaConf

        return OmegaConf.to_yaml(self.cfg)

    def folder(self, verb: str, config: Mapping[str, Any] | None = None) -> Path:
        """The run folder: the one that the overrides name, else a new one below logs/, named by the config."""
        if self.run_dir is not None:
            return self.run_dir
        config = config or self.config
        names = [(config.get("dataset") or {}).get("name"), config["choices"].get("model")]
        return new_folder(verb, names, config.get("seed"))


def compose(
    primary: str, overrides: Sequence[str], *, config_dir: Path | None = None, saved: Mapping[str, Any] | None = None
) -> Composed:
    """Compose `conf/<primary>.yaml` (or, for "saved", the config of a run folder) with a user's overrides.

    Raises UserError for every mistake in overrides or YAML: an unknown choice, key or group (with the existing ones), a
    malformed override, a missing value, a value of another type than the YAML's, an interpolation to nothing, a new
    key that nothing reads.
    """
    import hydra
    from hydra.core.config_store import ConfigStore
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf, open_dict

    ConfigStore.instance().store("saved", dict(saved or {}))
    given = [prepared(override) for override in overrides]
    if folders := texts.user_folders(config_dir):
        given.append(f"hydra.searchpath=[{','.join(quote(f'file://{Path(folder).resolve()}') for folder in folders)}]")
    try:  # only overrides and YAML are read here, and Hydra raises bare ValueErrors too
        with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
            parsed = OverridesParser.create().parse_overrides(given)
            check_groups(parsed, saved or {}, config_dir)
            cfg = hydra.compose(primary, given, return_hydra_config=True)
            own = cfg.hydra
            chosen = {group: choice for group, choice in own.runtime.choices.items() if "/" not in group}
            values = [item for item in parsed if item.key_or_group not in (*own.runtime.choices, "hydra.searchpath")]
            usual = (
                hydra.compose(primary, [str(item.input_line) for item in parsed if item not in values])
                if values
                else cfg
            )
        check_types(values, usual)
        check_added(values, cfg)
        cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        _rename_targets(cfg)
        with open_dict(cfg):
            cfg.choices = dict(sorted({**((saved or {}).get("choices") or {}), **chosen}.items()))
        _check_complete(cfg)
    except Exception as error:
        raise error if isinstance(error, UserError) else UserError(_explain(error)) from error
    named = any(item.key_or_group == "hydra.run.dir" for item in parsed)
    return Composed(cfg, Path(own.run.dir).absolute() if named else None)


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in nested dicts and lists, with its dotted key."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node


def show(composed: Composed) -> int:
    """Print the composed config, for `--cfg job`; returns the exit code 0."""
    from omegaconf import OmegaConf

    say(OmegaConf.to_yaml(composed.cfg, resolve=True).rstrip())
    return 0


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


def _check_complete(cfg: "DictConfig") -> None:
    from omegaconf import OmegaConf

    for group in ("dataset", "model", "trainer"):
        if not OmegaConf.is_dict(cfg.get(group)):
            raise UserError(f"a run needs a {group}: {group}=NAME; there are {', '.join(texts.choices(group))}")
    for key, value in leaves(OmegaConf.to_container(cfg)):
        if value == "???":
            raise UserError(f"{key} has no value; add {key}=VALUE")
    OmegaConf.to_container(cfg, resolve=True)  # an interpolation to nothing raises here


def _explain(error: Exception) -> str:
    """What Hydra or OmegaConf complain of, in one sentence that names what there is instead."""
    cause, text = error.__cause__, " ".join(str(error).split("\nSee https")[0].split())
    if options := getattr(error, "options", None):
        group, _, choice = str(getattr(error, "missing_cfg_file", "")).rpartition("/")
        return f"{group}={choice}: no such choice; {texts.near(choice, options)}there are {', '.join(options)}"
    parent = getattr(cause, "parent_node", None)
    if parent is not None and hasattr(parent, "keys"):
        keys = [str(key) for key in parent if key not in ("hydra", "_target_", "_partial_")]
        return (
            f"{getattr(cause, 'full_key', '')}: no such key; "
            f"{texts.near(str(getattr(cause, 'key', '')), keys)}there are {', '.join(keys)}"
        )
    if override := getattr(error, "override", None):
        return f"{override}: not of the form key=value; a value with , = or brackets needs quotes, as in \"key='a,b'\""
    text = text.replace("requires --multirun", "names several, and a run takes one")
    return re.split(r"To append to your default list|3\. To sweep|object_type=", text)[0].strip()
