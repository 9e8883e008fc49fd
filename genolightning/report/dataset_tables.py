"""Datasets as lines of text: the list of all, and the facts of one."""

import json
import textwrap
from typing import Any

from genolightning.benchmarks.files import existing
from genolightning.benchmarks.sources.catalogue import TABLES, sources
from genolightning.errors import UserError
from genolightning.paths import in_data_root

ABOUT = 60  # characters of a description that fit next to the other columns


def listed(row: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """A dataset's row of the list, with its published rows, median length, licence and whether its files are present.

    `row` has its name, kind, number of classes and description; `facts` is its composed YAML.
    """
    card = facts.get("card") or {}
    rows, shape = card.get("rows") or {}, card.get("table1") or {}
    return {
        "name": row["name"],
        "kind": row["kind"],
        "classes": row["classes"],
        "rows": sum(rows.values()) or shape.get("sequences"),
        "bp": int(shape["median_bp"]) if shape.get("median_bp") else None,
        "here": _files_here(facts),
        "licence": textwrap.shorten(str(card.get("licence") or ""), 16, placeholder=" ..."),
        "about": textwrap.shorten(row["about"], ABOUT, placeholder=" ..."),
    }


def _files_here(facts: dict[str, Any]) -> str:
    """yes or no: whether its tables are in the data root; empty where it names none, or makes them itself."""
    try:
        files = sources(facts, TABLES)
    except (UserError, KeyError):
        return ""
    return ("yes" if all(existing(in_data_root(source.path)) for source in files) else "no") if files else ""


def fact_lines(facts: dict[str, Any], indent: str = "") -> list[str]:
    """The facts of a dataset, a line each; those of a part are indented below its name."""
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}", *fact_lines(value, f"{indent}  ")]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            text = text if isinstance(text, str) else json.dumps(text)  # null and true, as they are written in YAML
            lines.append(f"{indent}{key:<{max(22 - len(indent), 1)}} {' '.join(text.split())}")
    return lines
