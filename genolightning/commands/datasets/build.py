"""`genolightning datasets build NAME ...`: a new dataset of interval tables from positives and a genome."""

import argparse
import json
from pathlib import Path
from typing import Any

from genolightning.config import help as texts
from genolightning.console import say
from genolightning.errors import UserError, check_integer
from genolightning.paths import conf_dir, data_root


def main(arguments: list[str]) -> int:
    """Write tables, card and YAML, and print how to train on them."""
    args = _options().parse_args(arguments)
    from genolightning.benchmarks.build.from_files import InputFiles, build_from_files, check_names

    classes = [name.strip() for name in args.classes.split(",")]
    check_names(args.name, classes)
    check_integer("--seed", args.seed, 0)
    folder = (args.output or data_root() / "genomic_benchmarks" / args.name).absolute()
    config_file = (args.config_dir or data_root() / "conf").absolute() / "dataset" / f"{args.name}.yaml"
    _refuse_existing(folder, config_file)
    facts = build_from_files(
        args.name,
        InputFiles(args.genome, args.positives, args.gff, args.feature, args.negatives_from),
        folder=folder,
        config_file=config_file,
        classes=classes,
        command=["genolightning", "datasets", "build", *arguments],
        length_bp=args.length,
        match=args.match,
        max_n=args.max_n,
        split=args.split,
        test_fraction=args.test_fraction,
        seed=args.seed,
    )
    option = f" --config-dir={args.config_dir.absolute()}" if args.config_dir else ""
    facts["train"] = f"genolightning train dataset={args.name}{option}"
    say(*([json.dumps(facts)] if args.json else _lines(facts)))
    return 0


def _options() -> texts.Parser:
    parser = texts.options(
        "datasets build",
        "make a dataset of interval tables: positives (BED, or one type of feature of a GFF3 or GTF), and as many\n"
        "negatives of the same lengths from the same genome that touch no positive and no other negative. Written are\n"
        "the tables, a card, and a YAML in the data root's conf folder, with which `genolightning train dataset=NAME`\n"
        "finds them; with --config-dir DIR it is written there, and each command needs --config-dir DIR too.",
        [
            "peaks --positives peaks.bed --genome hg38.fa.gz --length 200 --match gc,chromosome --split chromosome",
            "worm_coding --gff ce270.gff3.gz --feature CDS --genome ce270.fa.gz --negatives-from intergenic",
        ],
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--positives", type=Path, metavar="BED", help="the positives, 0-based and half-open")
    parser.add_argument("--gff", type=Path, metavar="FILE", help="annotation, GFF3 or GTF")
    parser.add_argument("--feature", metavar="TYPE", help="the positives: features of this type, e.g. CDS or exon")
    parser.add_argument("--genome", type=Path, required=True, metavar="FASTA")
    parser.add_argument(
        "--negatives-from", choices=["intergenic"], help="intergenic: negatives touch no feature of the annotation"
    )
    parser.add_argument("--match", type=_names, default=[], metavar="gc,chromosome", help="what else negatives share")
    parser.add_argument("--max-n", type=float, default=0.1, metavar="SHARE", help="of N in a row (default .1)")
    parser.add_argument("--length", type=_length, metavar="N|keep", help="windows of N bp round the middle of each")
    parser.add_argument("--split", choices=["random", "chromosome"], default="random", help="(default: random)")
    parser.add_argument("--test-fraction", type=float, default=0.2, metavar="SHARE", help="(default .2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--classes", default="negative,positive", metavar="NAME,NAME", help="names of the two classes")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="of the tables, instead of the data root's")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _length(text: str) -> int | None:
    if text == "keep":
        return None
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: wanted keep, or a number of bases")
    return int(text)


def _refuse_existing(folder: Path, config_file: Path) -> None:
    """Nothing that exists is written over: not tables, not a YAML, not a shipped dataset of that name."""
    if folder.exists():
        raise UserError(f"{folder} is there already; remove it, or choose another NAME or --output FOLDER")
    for file in (conf_dir() / "dataset" / config_file.name, config_file):
        if file.exists():
            raise UserError(f"{file} is there already; remove it, or choose another NAME or --config-dir DIR")


def _lines(facts: dict[str, Any]) -> list[str]:
    rows = [f"{split}: {', '.join(f'{n:,} {label}' for label, n in of.items())}" for split, of in facts["rows"].items()]
    lost = [f"left out: {n:,} positives ({reason})" for reason, n in facts["dropped"].items()]
    return [
        f"{facts['name']}: {facts['tables']}",
        *rows,
        *lost,
        f"config: {facts['config']}",
        f"train: {facts['train']}",
    ]
