"""`genolightning datasets list | info NAME`: which datasets there are; other actions have a file each."""

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.console import say
from genolightning.errors import UserError

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark


ACTIONS = (
    "audit",
    "build",
    "check",
    "export",
    "fetch",
    "locate",
)  # each has words of its own, and a file: datasets_<action>.py
FOR_MACHINES = (
    "sources",
    "bibtex",
    "sha256",
    "table1",
    "counts",
    "audit",
)  # of a card; what a reader wants is printed above it


def main(given: list[str]) -> int:
    """Print datasets as a table or, with `--json`, as one JSON value; other actions have a file each."""
    if given and given[0] in ACTIONS:
        return int(import_module(f"genolightning.commands.datasets.{given[0]}").main(given[1:]))
    parser = words.options(
        "datasets",
        "list the datasets, say what one is, check or fetch its files, look for leaks, export, build a new one",
        ["list", "info gue_tf_0", "check gb_human_nontata_promoters", "check --json", "audit --help"],
    )
    parser.add_argument("action", choices=["list", "info", *ACTIONS])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--bibtex", action="store_true", help="info: print the entry to cite")
    args = parser.parse_args(given)
    files = words.choices("dataset", args.config_dir)
    if args.name and args.name not in files:
        raise UserError(f"no dataset '{args.name}'; {words.near(args.name, files)}see: genolightning datasets list")
    if args.action == "info" and not args.name:
        raise UserError("info of which dataset? see: genolightning datasets list")
    if args.bibtex and args.action == "info":
        from genolightning.benchmarks.card import bibtex, read_card

        say(bibtex(read_card(files[args.name])))
    elif args.action == "list":
        rows = [_line(name, file) for name, file in files.items() if args.name in (None, name)]
        say(*([json.dumps(rows)] if args.json else words.table(rows)))
    else:
        facts = _info(args.name, files[args.name], args.config_dir)
        say(*([json.dumps(facts)] if args.json else _sheet(facts)))
    return 0


def _line(name: str, file: Path) -> dict[str, Any]:
    from genolightning.benchmarks.card import composed

    facts = composed(file)
    classes = facts.get("classes")
    return {
        "name": name,
        "kind": facts.get("kind"),
        "classes": len(classes) if isinstance(classes, list) else None,
        "about": words.about(file),
    }


def _info(name: str, file: Path, config_dir: Path | None) -> dict[str, Any]:
    from genolightning.benchmarks.card import composed, known_facts, read_card

    written = {key: value for key, value in composed(file).items() if key != "_target_" and "${" not in str(value)}
    written["card"] = {key: value for key, value in written.get("card", {}).items() if key not in FOR_MACHINES}
    first = {"name": name, "about": words.about(file), "kind": written.get("kind"), "classes": written.get("classes")}
    facts: dict[str, Any] = first | {key: value for key, value in written.items() if key not in first}
    facts |= known_facts(read_card(file))
    try:
        benchmark = _benchmark(name, config_dir)
        benchmark.prepare()
        facts |= {"kind": benchmark.kind, "classes": list(benchmark.classes), "whole": True}
        facts["splits"] = {split: _count(benchmark, split) for split in benchmark.splits()}
    except UserError as error:
        facts |= {"whole": False, "problem": str(error)}
    return facts


def _count(benchmark: "Benchmark", split: str) -> dict[str, Any]:
    import numpy as np

    rows = benchmark.rows(split)
    counts: dict[str, Any] = {"rows": len(rows.index)}
    if rows.target.ndim == 1 and rows.target.dtype.kind == "i":
        found = np.bincount(rows.target[rows.target >= 0], minlength=len(benchmark.classes)).tolist()
        counts["classes"] = dict(zip(benchmark.classes, found, strict=True))
    return counts | ({"dropped": dict(rows.dropped)} if rows.dropped else {})


def _sheet(facts: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}", *_sheet(value, f"{indent}  ")]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            text = text if isinstance(text, str) else json.dumps(text)  # null and true, as they are written in YAML
            lines.append(f"{indent}{key:<{max(22 - len(indent), 1)}} {' '.join(text.split())}")
    return lines


def _benchmark(name: str, config_dir: Path | None) -> "Benchmark":
    from hydra.utils import instantiate

    from genolightning.config import compose

    cfg = compose.compose("train", [f"dataset={name}"], config_dir=config_dir).cfg
    benchmark: Benchmark = instantiate(cfg.dataset, _convert_="all").benchmark
    return benchmark
