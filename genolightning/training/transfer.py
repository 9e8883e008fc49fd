"""`model.init_from=RUN`: begin a fit with the weights of another run, and say which of them were taken over."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from genolightning.console import columns, say
from genolightning.errors import UserError
from genolightning.facts import TARGET_KINDS, Facts
from genolightning.storage.text_files import sha256
from genolightning.training.checkpoints import latest_checkpoint, read_checkpoint

SHOWN = 8  # names in a printed line; the record has them all
NO_MATTER = ("checkpointing", "contracted", "unit_start")  # and dropout: they do not change what trained weights say


class Taken(NamedTuple):
    """What became of a model's weights, by name."""

    loaded: list[str]
    not_loaded: dict[str, str]  # name -> why
    unused: list[str]  # the other model's, of which this one has none


def take_over(model: nn.Module, weights: Mapping[str, Tensor], *, head: bool = True) -> Taken:
    """Copy the weights and buffers whose name and shape agree; without `head`, none of those named `head.*`.

    >>> other, model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    >>> take_over(model, other.state_dict()).not_loaded
    {'1.weight': 'its shape is 1x3 there, 2x3 here', '1.bias': 'its shape is 1 there, 2 here'}
    """
    fitting, refused = {}, {}
    for name, own in model.state_dict().items():
        if name not in weights:
            refused[name] = "not there"
        elif weights[name].shape != own.shape:
            refused[name] = f"its shape is {_shape(weights[name])} there, {_shape(own)} here"
        elif name.startswith("head.") and not head:
            refused[name] = "that head answers another question"
        else:
            fitting[name] = weights[name]
    model.load_state_dict(fitting, strict=False)
    return Taken(list(fitting), refused, [name for name in weights if name not in fitting and name not in refused])


def begin(model: Any, facts: Facts, folder: Path, run: str | Path | None) -> None:
    """Take over what fits of the run that `model.init_from` names, if it names one, and print what was not.

    A run that goes on in its folder has its own weights: the other run is not read again.
    """
    if run is None:
        return
    if own := latest_checkpoint(folder):
        model.provenance["init_from"] = read_checkpoint(own)["genolightning"].get("init_from")
        return
    model.provenance["init_from"] = noted = take_over_run(model, facts, run)
    say(*_lines(noted))


def take_over_run(model: Any, facts: Facts, run: str | Path) -> dict[str, Any]:
    """Take over what fits of a run's best weights; returns what the record keeps of it.

    A head is taken over only where the other run's dataset asks the same question: kind, classes and resolution.
    UserError where there is no checkpoint, or no weight of its backbone fits.
    """
    path = _checkpoint(Path(run))
    content = read_checkpoint(path)
    about = content["genolightning"]
    same = _question(about.get("facts", {})) == _question(facts.as_dict())
    taken = take_over(model, content["state_dict"], head=same)
    made_with = ((about.get("config") or {}).get("choices") or {}).get("model")
    parameters = {name for name, _ in model.named_parameters() if not name.startswith("head.")}
    if parameters.isdisjoint(taken.loaded):
        raise UserError(
            f"model.init_from={run}: none of its {len(content['state_dict'])} weights fits this model's backbone; "
            f"say model={made_with or 'NAME'} as it did, with the same model.backbone.* keys"
        )
    return {
        "run": str(run),
        "checkpoint": path.name,
        "sha256": sha256(path),
        "model": made_with,
        "share": _share(model, taken),
        "loaded": dict(Counter(map(_part, taken.loaded))),
        "not_loaded": taken.not_loaded,
        "unused": taken.unused,
        "unlike": _unlike(_meant(about), _meant(model.provenance)),
    }


def settings(model: Any) -> dict[str, Any]:
    """Plain values that a model's backbone keeps: weights that fit may still mean something else with other ones."""
    return _plain(
        {name: value for name, value in vars(getattr(model, "backbone", model)).items() if name != "training"}
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, (bool, int, float, str)) and not name.startswith("_")
    }


def _meant(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a model was made from, the values its backbone depends on: as composed, and as it has them."""
    composed = ((provenance.get("config") or {}).get("model") or {}).get("backbone") or {}
    values = _plain(composed) | dict(provenance.get("backbone") or {})
    return {name: value for name, value in values.items() if name not in NO_MATTER and "dropout" not in name}


def _checkpoint(path: Path) -> Path:
    named = [path] if path.suffix == ".ckpt" else [path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
    for one in named:
        if one.is_file():
            return one
    raise UserError(
        f"model.init_from={path}: no checkpoint there; name a run folder that `genolightning train` printed, "
        "or one of its checkpoints/*.ckpt"
    )


def _question(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    language_models = [kind.name for kind in TARGET_KINDS if kind.language_model]
    kind = "lm" if facts.get("kind") in language_models else facts.get("kind")
    return kind, facts.get("classes"), facts.get("resolution_bp")


def _share(model: nn.Module, taken: Taken) -> float:
    names = set(taken.loaded)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return round(sum(size for name, size in sizes.items() if name in names) / sum(sizes.values()), 6)


def _unlike(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{theirs[name]} there, {value} here" for name, value in ours.items() if theirs.get(name, value) != value
    }


def _lines(noted: Mapping[str, Any]) -> list[str]:
    """A line for each part: how many weights were loaded, and the names of those that were not."""
    loaded, missing = noted["loaded"], noted["not_loaded"]
    parts = dict.fromkeys([*loaded, *map(_part, missing)])
    rows = [[part, str(loaded.get(part, 0)), _few(_reasons(missing, part))] for part in parts]
    lines = [
        f"weights of {noted['run']} ({noted['checkpoint']}): {noted['share']:.2%} of this model's parameters",
        *columns([["part", "loaded", "not loaded"], *rows], right=[1]),
    ]
    if noted["unused"]:
        lines.append(f"of no use here: {_few(noted['unused'])}")
    if noted["unlike"]:
        unlike = "; ".join(f"{name} is {text}" for name, text in noted["unlike"].items())
        lines.append(f"warning: the same weights in another backbone: {unlike}; set by model.backbone.KEY=VALUE")
    return lines


def _reasons(missing: Mapping[str, str], part: str) -> list[str]:
    return [f"{name} ({why})" for name, why in missing.items() if _part(name) == part]


def _few(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _part(name: str) -> str:
    """backbone.layers.0.mlp.fc1.weight -> backbone.layers; head.linear.weight -> head"""
    words = name.split(".")
    return ".".join(words[:2]) if words[0] == "backbone" and len(words) > 2 else words[0]


def _shape(weights: Tensor) -> str:
    return "x".join(map(str, weights.shape)) or "one number"
