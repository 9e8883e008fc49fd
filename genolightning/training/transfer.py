"""`model.init_from=RUN`: start a fit from the weights of another run, and report which of them were loaded."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from genolightning.console import columns, say
from genolightning.errors import UserError
from genolightning.facts import TARGET_KINDS, Facts
from genolightning.storage.checksums import sha256
from genolightning.training.checkpoints import latest_checkpoint, read_checkpoint

MOST_NAMES = 8  # names in a printed line; the record has them all
IRRELEVANT = (
    "checkpointing",
    "contracted",
    "unit_start",
)  # and dropout: trained weights mean the same


class LoadedWeights(NamedTuple):
    """Which of a model's weights were loaded, by name."""

    loaded: list[str]
    not_loaded: dict[str, str]  # name -> why
    unused: list[str]  # the other model's, of which this one has none


def load_matching(model: nn.Module, weights: Mapping[str, Tensor], *, head: bool = True) -> LoadedWeights:
    """Copy the weights and buffers whose name and shape agree; without `head`, none of those named `head.*`.

    >>> other, model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    >>> load_matching(model, other.state_dict()).not_loaded
    {'1.weight': 'its shape is 1x3 there, 2x3 here', '1.bias': 'its shape is 1 there, 2 here'}
    """
    fitting, refused = {}, {}
    for name, own in model.state_dict().items():
        if name not in weights:
            refused[name] = "not there"
        elif weights[name].shape != own.shape:
            refused[name] = f"its shape is {_shape(weights[name])} there, {_shape(own)} here"
        elif name.startswith("head.") and not head:
            refused[name] = "the head was trained for another task"
        else:
            fitting[name] = weights[name]
    model.load_state_dict(fitting, strict=False)
    return LoadedWeights(
        list(fitting), refused, [name for name in weights if name not in fitting and name not in refused]
    )


def start_from_run(model: Any, facts: Facts, folder: Path, run: str | Path | None) -> None:
    """Load the matching weights of `run`, the value of `model.init_from`, if it is set, and print what did not match.

    A resumed run has its own weights: the other run is not read again.
    """
    if run is None:
        return
    if own := latest_checkpoint(folder):
        model.provenance["init_from"] = read_checkpoint(own)["genolightning"].get("init_from")
        return
    model.provenance["init_from"] = noted = load_from_run(model, facts, run)
    say(*_summary_lines(noted))


def load_from_run(model: Any, facts: Facts, run: str | Path) -> dict[str, Any]:
    """Load the matching ones of a run's best weights; returns what the record keeps of it.

    A head is loaded only where the other run's dataset has the same kind, classes and resolution.
    UserError where there is no checkpoint, or no weight of its backbone fits.
    """
    path = _checkpoint(Path(run))
    content = read_checkpoint(path)
    about = content["genolightning"]
    same = _target_of(about.get("facts", {})) == _target_of(facts.as_dict())
    taken = load_matching(model, content["state_dict"], head=same)
    made_with = ((about.get("config") or {}).get("choices") or {}).get("model")
    parameters = {name for name, _ in model.named_parameters() if not name.startswith("head.")}
    if parameters.isdisjoint(taken.loaded):
        raise UserError(
            f"model.init_from={run}: none of its {len(content['state_dict'])} weights fits this model's backbone; "
            f"use model={made_with or 'NAME'} as it did, with the same model.backbone.* keys"
        )
    return {
        "run": str(run),
        "checkpoint": path.name,
        "sha256": sha256(path),
        "model": made_with,
        "share": _parameter_share(model, taken),
        "loaded": dict(Counter(map(_part, taken.loaded))),
        "not_loaded": taken.not_loaded,
        "unused": taken.unused,
        "unlike": _differences(_backbone_settings(about), _backbone_settings(model.provenance)),
    }


def backbone_settings(model: Any) -> dict[str, Any]:
    """Plain values that a model's backbone keeps: weights that fit may still mean something else with other ones."""
    return _plain_values(
        {name: value for name, value in vars(getattr(model, "backbone", model)).items() if name != "training"}
    )


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, (bool, int, float, str)) and not name.startswith("_")
    }


def _backbone_settings(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a model was made from, the values its backbone depends on: as composed, and as it has them."""
    composed = ((provenance.get("config") or {}).get("model") or {}).get("backbone") or {}
    values = _plain_values(composed) | dict(provenance.get("backbone") or {})
    return {name: value for name, value in values.items() if name not in IRRELEVANT and "dropout" not in name}


def _checkpoint(path: Path) -> Path:
    named = [path] if path.suffix == ".ckpt" else [path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
    for one in named:
        if one.is_file():
            return one
    raise UserError(
        f"model.init_from={path}: no checkpoint there; name a run folder that `genolightning train` printed, "
        "or one of its checkpoints/*.ckpt"
    )


def _target_of(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    language_models = [kind.name for kind in TARGET_KINDS if kind.language_model]
    kind = "lm" if facts.get("kind") in language_models else facts.get("kind")
    return kind, facts.get("classes"), facts.get("resolution_bp")


def _parameter_share(model: nn.Module, taken: LoadedWeights) -> float:
    names = set(taken.loaded)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return round(sum(size for name, size in sizes.items() if name in names) / sum(sizes.values()), 6)


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{theirs[name]} there, {value} here" for name, value in ours.items() if theirs.get(name, value) != value
    }


def _summary_lines(noted: Mapping[str, Any]) -> list[str]:
    """A line for each part: how many weights were loaded, and the names of those that were not."""
    loaded, missing = noted["loaded"], noted["not_loaded"]
    parts = dict.fromkeys([*loaded, *map(_part, missing)])
    rows = [[part, str(loaded.get(part, 0)), _first_names(_reasons(missing, part))] for part in parts]
    lines = [
        f"weights of {noted['run']} ({noted['checkpoint']}): {noted['share']:.2%} of this model's parameters",
        *columns([["part", "loaded", "not loaded"], *rows], right=[1]),
    ]
    if noted["unused"]:
        lines.append(f"not used here: {_first_names(noted['unused'])}")
    if noted["unlike"]:
        unlike = "; ".join(f"{name} is {text}" for name, text in noted["unlike"].items())
        lines.append(f"warning: the same weights in another backbone: {unlike}; set by model.backbone.KEY=VALUE")
    return lines


def _reasons(missing: Mapping[str, str], part: str) -> list[str]:
    return [f"{name} ({why})" for name, why in missing.items() if _part(name) == part]


def _first_names(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _part(name: str) -> str:
    """backbone.layers.0.mlp.fc1.weight -> backbone.layers; head.linear.weight -> head"""
    words = name.split(".")
    return ".".join(words[:2]) if words[0] == "backbone" and len(words) > 2 else words[0]


def _shape(weights: Tensor) -> str:
    return "x".join(map(str, weights.shape)) or "one number"
