"""`genolightning datasets check [NAME]`: are all files of a dataset present and undamaged?"""

import json
from pathlib import Path

from genolightning.config import help as words
from genolightning.config.datasets import benchmark_from_name, dataset_file, dataset_from_name
from genolightning.console import format_table, say
from genolightning.errors import UserError


def main(given: list[str]) -> int:
    """Check all datasets for missing files, or every byte of one; 2 if that one is not usable."""
    parser = words.options(
        "datasets check",
        "say which datasets have all their files; of a dataset asked for by name look at every byte: tables against\n"
        "their published checksums, genomes and encoded rows against those they were written with. What is damaged in\n"
        "the cache is made anew.",
        ["--json", "gb_human_nontata_promoters", "gb_human_ocr_ensembl dataset.genome=hg38.fa"],
    )
    parser.add_argument("name", nargs="?", help="a dataset, see: genolightning datasets list")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="words such as dataset.genome=hg38.fa")
    args = parser.parse_intermixed_args(given)
    files = words.choices("dataset", args.config_dir)
    if args.name:
        dataset_file(args.name, args.config_dir)
        return _one(args.name, args.overrides, args.config_dir, as_json=args.json)
    rows = []
    for name in files:
        problem = None
        try:
            benchmark_from_name(name, config_dir=args.config_dir).prepare()
        except UserError as error:
            problem = str(error)
        rows.append({"name": name, "usable": problem is None, "problem": problem})
    shown = format_table([{**row, "usable": "yes" if row["usable"] else "no"} for row in rows])
    say(*([json.dumps(rows)] if args.json else shown))
    return 0


def _one(name: str, overrides: list[str], config_dir: Path | None, *, as_json: bool) -> int:
    from genolightning.benchmarks.card import read_card
    from genolightning.data.integrity import check_files

    parts: list[dict[str, str]] = []
    problem = None
    try:
        published = read_card(dataset_file(name, config_dir)).sha256
        check_files(dataset_from_name(name, overrides, config_dir), published, parts)
    except UserError as error:
        problem = error
    if as_json:
        row = {"name": name, "usable": problem is None, "problem": problem and str(problem), "parts": parts}
        say(json.dumps([row]))
    elif parts:
        say(*format_table(parts))
    if problem is not None:
        raise problem
    return 0
