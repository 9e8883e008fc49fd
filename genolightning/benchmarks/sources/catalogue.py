"""Which files a dataset is made of, and where each is fetched from: the `sources` of its card."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

from genolightning.errors import UserError

TABLES, GENOMES, SEQUENCES = "tables", "genomes", "sequences"


class Source(NamedTuple):
    """One file, and where it comes from."""

    path: str  # below the data root
    url: str
    sha256: str | None  # as published; None: pinned when it is first fetched


def sources(facts: Mapping[str, Any], part: str) -> list[Source]:
    """The files of one part of a dataset: its `tables`, its `genomes`, or the archive of its ready `sequences`.

    `facts` is the dataset's composed YAML. `GENOLIGHTNING_MIRROR` names a server that holds the layout of the data root
    and replaces every address of the card. Raises UserError for a file that the card knows no source of.
    """
    name, card = facts.get("name"), facts.get("card") or {}
    known = card.get("sources") or {}
    hashes = card.get("sha256") or {}
    found = []
    for path in _files(facts, part):
        if (url := _address(path, known, card.get("site") or "")) is None:
            raise UserError(f"{name}: its card names no source of {path}; {_instead(card)}")
        tail = path.partition(f"/{facts['folder']}/")[2] if "folder" in facts else path.rpartition("/")[2]
        found.append(Source(path, url, hashes.get(tail)))
    return found


def _files(facts: Mapping[str, Any], part: str) -> list[str]:
    folder = facts.get("folder")
    if folder is None:
        given = [facts.get(split) for split in ("train", "validation", "test")]
        return [path for path in given if path and path != "???"] if part == TABLES else []
    if part == TABLES:
        tables = [f"{split}/{label}.csv.gz" for split in ("train", "test") for label in facts["classes"]]
        return [f"genomic_benchmarks/{folder}/{file}" for file in [*tables, "metadata.yaml"]]
    if part == SEQUENCES:
        return [f"sequences/{folder}_v0.zip"]
    assembly = facts["assembly"]
    names = assembly.values() if isinstance(assembly, Mapping) else [assembly]
    return [f"genomes/{name}.fa.gz" for name in dict.fromkeys(names)]


def _address(path: str, known: Mapping[str, str], site: str) -> str | None:
    """A file's own entry, or that of the nearest folder above it (a key and an address that end in a slash)."""
    if not (above := max((key for key in known if _covers(key, path)), key=len, default="")):
        return None
    if mirror := os.environ.get("GENOLIGHTNING_MIRROR"):
        return f"{mirror.rstrip('/')}/{quote(path)}"
    return urljoin(site, known[above]) + quote(path[len(above) :])


def _covers(key: str, path: str) -> bool:
    return path == key or (key.endswith("/") and path.startswith(key))


def _instead(card: Mapping[str, Any]) -> str:
    command = card.get("command")
    return f"make it again with: {command}" if command else "put the file there by hand"
