"""`genolightning models`: the available models, and what each costs: parameters, FLOPs, on request time and memory."""

import json
import sys
from argparse import Namespace
from fnmatch import fnmatchcase
from pathlib import Path

from genolightning.config import help as texts
from genolightning.config.model_costs import ModelSpec, Timing, model_row
from genolightning.console import say
from genolightning.errors import UserError

KINDS = ["binary", "multiclass", "multilabel", "regression"]


def main(argv: list[str]) -> int:
    """Print models as a table or, with `--json`, as one JSON list of rows {model, parameters, flops_per_base, ...}."""
    args = _model_options().parse_args(argv)
    _check_output(args)
    speeds = _speeds(args.speed) if args.speed else None
    timing = Timing(args.lengths, args.batch, args.most_s) if args.time else None
    rows = [
        model_row(
            ModelSpec(name, args.kind, args.length_bp, args.config_dir),
            file,
            timing=timing,
            speeds=speeds,
            report=_report,
        )
        for name, file in _chosen(args).items()
    ]
    from genolightning.report.model_tables import page, terminal_lines
    from genolightning.storage.atomic import atomic_write

    if args.output:
        with atomic_write(args.output) as draft:
            draft.write_text(page(rows, argv, speed=bool(args.speed), max_s=args.most_s))
        say(f"{len(rows)} models: {args.output}")
    else:
        say(*([json.dumps(rows)] if args.json else terminal_lines(rows)))
    return 0


def _model_options() -> texts.Parser:
    parser = texts.options(
        "models",
        "list the models, their sizes and their FLOPs per base, for a dataset with one label a sequence",
        ["", "--length-bp 1000 --json", "--model 'hyena*' --time --lengths 256,1024"],
    )
    parser.add_argument("--model", default="*", metavar="GLOB", help="only models of such names")
    parser.add_argument(
        "--length-bp", type=_positive_int, default=251, metavar="N", help="longest sequence (default 251)"
    )
    parser.add_argument("--kind", choices=KINDS, default="binary", help="kind of target (default binary)")
    parser.add_argument("--time", action="store_true", help="measure time and memory of a batch on this machine")
    parser.add_argument(
        "--lengths",
        type=lambda text: sorted({_positive_int(part) for part in text.split(",")}),
        default=[256, 1024, 4096, 16384],
        metavar="N,N,...",
        help="bases a sequence for --time (default 256,1024,4096,16384)",
    )
    parser.add_argument(
        "--batch", type=_positive_int, default=4, metavar="N", help="sequences a batch for --time (default 4)"
    )
    parser.add_argument(
        "--most-s",
        type=float,
        default=30.0,
        metavar="S",
        help="leave out what should take longer, judged by shorter ones (default 30)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write a page in Markdown instead")
    parser.add_argument("--speed", type=Path, metavar="FILE", help="what speed/zoo.py printed, for its column")
    return parser


def _check_output(args: Namespace) -> None:
    if args.output and args.output.suffix != ".md":
        raise UserError(f"--output {args.output}: it is written in Markdown; wanted a name that ends in .md")
    if args.output and not args.output.absolute().parent.is_dir():
        raise UserError(f"--output {args.output}: there is no folder {args.output.absolute().parent}; make it first")
    if args.output and args.json:
        raise UserError("--json prints rows, --output writes a page; give one of the two")


def _positive_int(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise UserError(f"{text!r}: wanted a whole number from 1 on")
    return int(text)


def _chosen(args: Namespace) -> dict[str, Path]:
    files = texts.choices("model", args.config_dir)
    chosen = {name: file for name, file in files.items() if fnmatchcase(name, args.model)}
    if not chosen:
        raise UserError(f"--model {args.model}: {texts.near(args.model, files)}there are {', '.join(files)}")
    return chosen


def _speeds(file: Path) -> dict[str, float]:
    try:
        return {str(name): float(speed) for name, speed in json.loads(file.read_text())["examples_per_s"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--speed {file}: not what speed/zoo.py prints ({error}); make it again") from error


def _report(line: str) -> None:
    if sys.stderr.isatty():
        print(line, file=sys.stderr)
