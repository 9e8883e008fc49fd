"""`genolightning datasets export NAME --format F --output DIR`: a dataset's rows as files for other programs."""

import argparse
import json
from pathlib import Path

from genolightning.config import help as words
from genolightning.console import format_table, say
from genolightning.errors import UserError

FORMATS = ("fasta", "csv", "parquet", "folder")


def main(given: list[str]) -> int:
    """Write the splits and print how many rows each has."""
    args = _options().parse_intermixed_args(given)
    if args.output.exists() and not (args.output.is_dir() and not any(args.output.iterdir())):
        raise UserError(f"--output {args.output} exists already; remove it, or name another folder")
    if wrong := next((word for word in args.overrides if "=" not in word), None):
        raise UserError(f"{wrong!r}: wanted key=value, e.g. dataset.genome=hg38.fa")

    from genolightning.benchmarks.sources import export
    from genolightning.config.datasets import dataset_from_name

    data = dataset_from_name(args.name, args.overrides, args.config_dir)
    benchmark = data.benchmark
    benchmark.prepare()
    again = export.split_again(benchmark, data.split, data.seed) if data.split != "original" else None
    splits = benchmark.splits()
    if args.split and args.split not in splits:
        raise UserError(f"{args.name} has no split {args.split!r} of its own; it has {', '.join(splits)}")
    if args.format == "folder" and not export.single_class(benchmark):
        raise UserError(f"{args.name}: a folder a class takes one class a row; take --format csv or parquet")
    if args.format == "fasta":
        write = export.write_fasta
    elif args.format == "csv":
        write = export.write_csv
    else:
        write = export.write_parquet if args.format == "parquet" else export.write_texts
    wanted = [args.split] if args.split else splits
    rows_of = again.rows.__getitem__ if again else None
    counts = export.export(benchmark, wanted, write, args.output.absolute(), rows_of=rows_of)
    rows = [{"split": split, "rows": count} for split, count in counts.items()]
    notes = [f"split {again.id}", *(f"note: {note}" for note in again.notes)] if again else []
    say(*([json.dumps(rows)] if args.json else [*format_table(rows), *notes, f"written to {args.output}"]))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = words.options(
        "datasets export",
        "write a dataset's rows for other programs: <split>.fa (>id|label), <split>.csv or .parquet (id, sequence,\n"
        "label), or a folder, <split>/<class>/<id>.txt, as the reference package and its notebooks have it",
        [
            "gb_human_enhancers_cohn --format folder --output cohn",
            "gue_tf_0 --format parquet --split test --output tf_0",
            "gb_demo_human_or_worm --format csv --output out dataset.missing=drop",
            "gue_prom_core_all --format csv --output clean dataset.split=clean",
        ],
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="dataset.split=clean|chromosome, dataset.genome=hg38.fa"
    )
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="a folder that is not there yet")
    parser.add_argument("--split", help="train, validation or test (default: all that have files of their own)")
    return parser
