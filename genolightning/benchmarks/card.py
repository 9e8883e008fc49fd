"""Dataset cards: where a benchmark comes from and what is known to be wrong with it, as its YAML says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genolightning.errors import UserError


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """The facts of a dataset that need none of its files."""

    name: str
    about: str  # the comment that opens the YAML
    kind: str | None = None
    classes: list[str] = field(default_factory=list)
    source: str | None = None  # address of the authors' copy
    licence: str | None = None
    citation: str | None = None
    assembly: str | dict[str, str] | None = None  # the genome of all classes, or of each
    rows: dict[str, int] = field(default_factory=dict)  # split -> rows, as published
    sha256: dict[str, str] = field(default_factory=dict)  # file -> its checksum, as published
    faults: list[str] = field(default_factory=list)


def read_card(file: Path) -> DatasetCard:
    """Read the card out of a dataset's YAML; UserError where that is not YAML."""
    facts = composed(file)
    card = facts.get("card") or {}
    first = file.read_text().partition("\n")[0]
    return DatasetCard(
        name=str(facts.get("name") or file.stem),
        about=first.removeprefix("#").strip() if first.startswith("#") else "",
        kind=facts.get("kind"),
        classes=[str(one) for one in facts.get("classes") or []],
        assembly=facts.get("assembly"),
        **{key: card[key] for key in ("source", "licence", "citation", "rows", "sha256", "faults") if key in card},
    )


def composed(file: Path) -> dict[str, Any]:
    """A dataset's YAML over the shared parts that its defaults name, as Hydra composes them but without Hydra.

    Interpolations stay as they are written.
    """
    import yaml

    try:
        own = yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except (yaml.YAMLError, OSError) as error:
        raise UserError(f"{file}: {' '.join(str(error).split())}") from error
    if not isinstance(own, dict):
        raise UserError(f"{file}: a dataset's YAML holds keys and values, found {type(own).__name__}")
    merged: dict[str, Any] = {}
    for entry in own.pop("defaults", []):
        shared = file.parent / f"{str(entry).partition('@')[0]}.yaml"
        if entry != "_self_" and shared.is_file():
            merged = _over(merged, composed(shared))
    return _over(merged, own)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
