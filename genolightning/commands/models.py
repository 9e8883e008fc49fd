"""`genolightning models`: the models there are, and how many parameters each has."""

import json
from pathlib import Path
from typing import Any

from genolightning.commands import words
from genolightning.commands.say import say
from genolightning.errors import UserError

CLASSES = {"binary": ["negative", "positive"], "multiclass": ["a", "b", "c"], "multilabel": ["a", "b", "c"]}


def main(given: list[str]) -> int:
    """Print models as a table or, with `--json`, as one JSON list of rows {model, parameters, ...}."""
    parser = words.options(
        "models",
        "list the models and their sizes, for a dataset with one label a sequence",
        ["", "--length-bp 1000 --json"],
    )
    parser.add_argument("--length-bp", type=int, default=251, metavar="N", help="longest sequence (default 251)")
    kinds = [*CLASSES, "regression"]
    parser.add_argument("--kind", choices=kinds, default="binary", help="kind of target (default binary)")
    args = parser.parse_args(given)
    files = words.choices("model", args.config_dir)
    rows = [_line(name, file, args.kind, args.length_bp, args.config_dir) for name, file in files.items()]
    say(*([json.dumps(rows)] if args.json else words.table(rows)))
    return 0


def _line(name: str, file: Path, kind: str, length_bp: int, config_dir: Path | None) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name, "parameters": None, "kind": kind, "length_bp": length_bp}
    try:
        return {**row, "parameters": _parameters(name, kind, length_bp, config_dir), "about": words.about(file)}
    except UserError as error:  # e.g. weights that are not on this machine, or a length the model does not take
        return {**row, "about": f"cannot be built: {error}"}


def _parameters(name: str, kind: str, length_bp: int, config_dir: Path | None) -> int:
    from hydra.utils import instantiate

    from genolightning import tasks
    from genolightning.benchmarks.rows import Facts
    from genolightning.commands import compose

    classes = CLASSES.get(kind, [])
    facts = Facts(
        kind=kind,
        classes=classes,
        length_bp=length_bp,
        shortest_bp=length_bp,
        rows={"train": 100 * max(len(classes), 1)},
        class_counts=[100] * len(classes),
    )
    cfg = compose.compose("train", [f"model={name}"], config_dir=config_dir).cfg
    module = instantiate(cfg.model, _convert_="all")(facts=facts, task=tasks.for_facts(facts))
    if hasattr(module.backbone, "bases"):  # a language model's head is tied to the embedding
        module = module.backbone
    return sum(parameter.numel() for parameter in module.parameters())
