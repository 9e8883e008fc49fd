"""Dataset cards: where a benchmark comes from and what is known to be wrong with it, read from its YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genolightning.errors import UserError
from genolightning.paths import conf_dir


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
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # split -> class -> rows, as published
    table1: dict[str, float] = field(default_factory=dict)  # the result of `shape_of`
    audit: dict[str, Any] = field(default_factory=dict)  # of the published split: verdict, reasons and their figures
    bibtex: dict[str, Any] = field(default_factory=dict)  # entry type -> key, then field -> value
    command: str | None = None  # what makes it again, where it was built here


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
        **{key: card[key] for key in OF_THE_CARD if card.get(key) is not None},
    )


OF_THE_CARD = (
    "source", "licence", "citation", "rows", "sha256", "faults", "counts", "table1", "audit", "bibtex", "command"
)  # fmt: skip


def bibtex(card: DatasetCard) -> str:
    """The BibTeX entry to cite the dataset with; UserError where its card has none.

    >>> print(bibtex(DatasetCard("tiny", "", bibtex={"article": "doe2024", "author": "Doe, J.", "year": 2024})))
    @article{doe2024,
      author = {Doe, J.},
      year = {2024},
    }
    """
    if not card.bibtex:
        raise UserError(
            f"{card.name}: its card names no paper to cite; see what it does say: datasets info {card.name}"
        )
    (kind, key), *fields = card.bibtex.items()
    return "\n".join([f"@{kind}{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields), "}"])


def shape_of(lengths: Mapping[str, Any]) -> dict[str, float]:
    """Table 1 of Gresova et al. 2023 for one dataset, from the lengths in bp of all rows of each class, (rows,).

    The ratio is that of the largest to the smallest class, the standard deviation that of the whole population.

    >>> shape_of({"a": [2, 4], "b": [3]})
    {'sequences': 3, 'classes': 2, 'ratio': 2.0, 'median_bp': 3.0, 'sd_bp': 0.8, 'min_bp': 2, 'max_bp': 4}
    """
    import numpy as np  # here, for the rest of a card needs no array

    together = np.concatenate(list(lengths.values()))
    sizes = [len(one) for one in lengths.values()]
    return {
        "sequences": len(together),
        "classes": len(sizes),
        "ratio": round(max(sizes) / min(sizes), 2),
        "median_bp": float(np.median(together)),
        "sd_bp": round(float(together.std()), 1),
        "min_bp": int(together.min()),
        "max_bp": int(together.max()),
    }


def known_facts(card: DatasetCard) -> dict[str, Any]:
    """What `datasets info` shows without network, tables or genome: table 1, class counts, the audit's summary."""
    return {key: value for key in ("table1", "counts", "audit", "faults") if (value := getattr(card, key))}


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
        name = f"{str(entry).partition('@')[0]}.yaml"
        shared = [folder / name for folder in (file.parent, conf_dir() / "dataset") if (folder / name).is_file()]
        if entry != "_self_" and shared:  # a user's own dataset may include our shared parts
            merged = _over(merged, composed(shared[0]))
    return _over(merged, own)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged
