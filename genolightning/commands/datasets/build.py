"""`genolightning datasets build NAME ...`: a new dataset of interval tables from positives and a genome."""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.console import say
from genolightning.errors import GenomeMissing, UserError, check_integer

if TYPE_CHECKING:
    from genolightning.benchmarks.build.dataset import Built
    from genolightning.genome.annotation import Annotation
    from genolightning.genome.intervals import Intervals


def main(given: list[str]) -> int:
    """Write tables, card and YAML, and print how to train on them."""
    args = _options().parse_args(given)
    labels = [name.strip() for name in args.classes.split(",")]
    if len(labels) != 2 or not all(re.fullmatch(r"\w[\w.-]*", label) for label in labels):
        raise UserError(f"--classes {args.classes}: wanted the names of the negatives and the positives, e.g. no,yes")
    if labels[0] == labels[1]:
        raise UserError(f"--classes {args.classes}: the class {labels[0]!r} stands there twice; give two names")
    if not re.fullmatch(r"\w[\w.-]*", args.name):
        raise UserError(f"{args.name}: a dataset's name is made of letters, digits, _, . and -")

    check_integer("--seed", args.seed, 0)
    from genolightning.benchmarks.build.dataset import build, write_card, write_tables
    from genolightning.benchmarks.files import existing, shown
    from genolightning.genome.reference import Genome
    from genolightning.paths import data_root, in_data_root

    folder = (args.output or data_root() / "genomic_benchmarks" / args.name).absolute()
    config_dir = (args.config_dir or data_root() / "conf").absolute()
    _refuse_taken(args.name, folder, config_dir)
    fasta = existing(in_data_root(args.genome))
    if fasta is None:
        raise GenomeMissing(f"there is no genome {in_data_root(args.genome)}; name one with --genome FASTA")
    positives, avoid = _rows(args)
    built = build(
        positives,
        Genome(fasta),
        avoid=avoid,
        length_bp=args.length,
        match=args.match,
        max_n=args.max_n,
        split=args.split,
        test_fraction=args.test_fraction,
        seed=args.seed,
    )
    sums = write_tables(built, folder, labels, shown(fasta))
    file = config_dir / "dataset" / f"{args.name}.yaml"
    write_card(
        file,
        args.name,
        built,
        folder=folder,
        sums=sums,
        about=_about(args, built),
        classes=labels,
        genome=fasta,
        command=["genolightning", "datasets", "build", *given],
    )
    facts = _facts(args.name, built, labels, folder, file)
    say(*([json.dumps(facts)] if args.json else _sheet(facts)))
    return 0


def _options() -> words.Parser:
    parser = words.options(
        "datasets build",
        "make a dataset of interval tables: positives (BED, or one type of feature of a GFF3 or GTF), and as many\n"
        "negatives of the same lengths from the same genome that touch no positive and no other negative. Written are\n"
        "the tables, a card, and a YAML with which `genolightning train dataset=NAME --config-dir DIR` finds them.",
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


def _refuse_taken(name: str, folder: Path, config_dir: Path) -> None:
    """Raise UserError if the output folder, or a dataset config of that name, exists already."""
    if folder.exists():
        raise UserError(f"{folder} is there already; remove it, or choose another NAME or --output FOLDER")
    if taken := words.choices("dataset", config_dir).get(name):
        raise UserError(f"{taken} is there already; remove it, or choose another NAME or --config-dir DIR")


def _rows(args: argparse.Namespace) -> "tuple[Intervals, Intervals]":
    """The positives, and further intervals that negatives must not overlap."""
    if bool(args.positives) == bool(args.feature):
        raise UserError("name the positives: either --positives BED, or --gff FILE with --feature TYPE")
    if not args.gff and (args.feature or args.negatives_from):
        raise UserError(f"--{'feature' if args.feature else 'negatives-from'} needs the annotation: add --gff FILE")

    from genolightning.genome.annotation import read_gff
    from genolightning.genome.intervals import Intervals, read_bed
    from genolightning.paths import in_data_root

    annotation: Annotation | None = read_gff(in_data_root(args.gff)) if args.gff else None
    if annotation and args.feature:
        positives = annotation.of_type(args.feature)
    else:
        positives = read_bed(in_data_root(args.positives)).intervals
    # what a window or --max-n leaves out of the positives is no negative either
    avoid = [annotation.annotated()] if annotation and args.negatives_from else []
    return positives, Intervals.concat([positives, *avoid])


def _about(args: argparse.Namespace, built: "Built") -> str:
    what = f"{args.feature} of {args.gff.name}" if args.feature else args.positives.name
    against = args.negatives_from or "the rest of the genome"
    rows = len(built.positives)
    return f"Built here: {what} against {against}, {args.genome.name}; {rows:,} + {rows:,} rows."


def _facts(name: str, built: "Built", labels: list[str], folder: Path, file: Path) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {"train": {}, "test": {}}
    for label, mask in zip(labels, built.in_test[::-1], strict=True):
        counts["train"][label], counts["test"][label] = int((~mask).sum()), int(mask.sum())
    return {
        "name": name,
        "rows": counts,
        "dropped": built.dropped,
        "tables": str(folder),
        "config": str(file),
        "train": f"genolightning train dataset={name} --config-dir={file.parent.parent}",
    }


def _sheet(facts: dict[str, Any]) -> list[str]:
    rows = [f"{split}: {', '.join(f'{n:,} {label}' for label, n in of.items())}" for split, of in facts["rows"].items()]
    lost = [f"left out: {n:,} positives ({reason})" for reason, n in facts["dropped"].items()]
    return [
        f"{facts['name']}: {facts['tables']}",
        *rows,
        *lost,
        f"config: {facts['config']}",
        f"train: {facts['train']}",
    ]
