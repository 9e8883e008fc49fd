"""`genolightning models`: the models there are, and what each costs: parameters, FLOPs, on request time and memory."""

import json
import sys
import textwrap
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.console import columns, say
from genolightning.errors import UserError

if TYPE_CHECKING:
    from argparse import Namespace

KINDS = ["binary", "multiclass", "multilabel", "regression"]
ABOUT = 76  # characters of what a model is that fit beside its numbers
MEASURES = {
    "flops_per_base": "FLOPs per base",
    "forward_ms": "ms a batch, forward",
    "forward_backward_ms": "ms a batch, forward and backward",
    "memory_mb": "MB a batch beyond the weights, forward and backward",
}


def main(given: list[str]) -> int:
    """Print models as a table or, with `--json`, as one JSON list of rows {model, parameters, flops_per_base, ...}."""
    args = _options().parse_args(given)
    if args.output and args.output.suffix != ".md":
        raise UserError(f"--output {args.output}: it is written in Markdown; wanted a name that ends in .md")
    if args.output and not args.output.absolute().parent.is_dir():
        raise UserError(f"--output {args.output}: there is no folder {args.output.absolute().parent}; make it first")
    if args.output and args.json:
        raise UserError("--json prints rows, --output writes a page; give one of the two")
    speeds = _speeds(args.speed) if args.speed else {}
    rows = [_row(name, file, args, speeds) for name, file in _chosen(args).items()]
    if args.output:
        from genolightning.report.model_tables import page
        from genolightning.storage.atomic import atomic_write

        with atomic_write(args.output) as part:
            part.write_text(page(rows, args, given))
        say(f"{len(rows)} models: {args.output}")
    else:
        say(*([json.dumps(rows)] if args.json else _printed(rows, args)))
    return 0


def _options() -> words.Parser:
    parser = words.options(
        "models",
        "list the models, their sizes and their FLOPs per base, for a dataset with one label a sequence",
        ["", "--length-bp 1000 --json", "--model 'hyena*' --time --lengths 256,1024"],
    )
    parser.add_argument("--model", default="*", metavar="GLOB", help="only models of such names")
    parser.add_argument("--length-bp", type=_length, default=251, metavar="N", help="longest sequence (default 251)")
    parser.add_argument("--kind", choices=KINDS, default="binary", help="kind of target (default binary)")
    parser.add_argument("--time", action="store_true", help="measure time and memory of a batch on this machine")
    parser.add_argument(
        "--lengths",
        type=lambda text: sorted({_length(one) for one in text.split(",")}),
        default=[256, 1024, 4096, 16384],
        metavar="N,N,...",
        help="bases a sequence for --time (default 256,1024,4096,16384)",
    )
    parser.add_argument(
        "--batch", type=_length, default=4, metavar="N", help="sequences a batch for --time (default 4)"
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


def _length(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise UserError(f"{text!r}: wanted a whole number from 1 on")
    return int(text)


def _chosen(args: "Namespace") -> dict[str, Path]:
    files = words.choices("model", args.config_dir)
    chosen = {name: file for name, file in files.items() if fnmatchcase(name, args.model)}
    if not chosen:
        raise UserError(f"--model {args.model}: {words.near(args.model, files)}there are {', '.join(files)}")
    return chosen


def _speeds(file: Path) -> dict[str, float]:
    try:
        speeds = {str(name): float(speed) for name, speed in json.loads(file.read_text())["examples_per_s"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--speed {file}: not what speed/zoo.py prints ({error}); make it again") from error
    return speeds


def _row(name: str, file: Path, args: "Namespace", speeds: dict[str, float]) -> dict[str, Any]:
    from genolightning.runs.profiling import Asked, counted

    row: dict[str, Any] = {"model": name, "parameters": None, "flops_per_base": None}
    try:
        parameters, flops = counted(Asked(name, args.kind, args.length_bp, args.config_dir))
        row |= {"parameters": parameters, "flops_per_base": flops}
        about = words.about(file)
    except UserError as error:  # e.g. weights that are not on this machine, or a length the model does not take
        about = f"cannot be built: {error}"
    if args.speed:
        row["examples_per_s"] = speeds.get(name)
    row |= {"kind": args.kind, "length_bp": args.length_bp, "about": about}
    return {**row, "timings": list(_timings(name, args))} if args.time else row


def _timings(name: str, args: "Namespace") -> Iterator[dict[str, Any]]:
    """A row for each length; what should take longer than `--most-s` by the length before it is left out."""
    from genolightning.runs.profiling import Asked, Measured, apart, counted

    if sys.stderr.isatty():
        print(f"timing {name}", file=sys.stderr)
    before: tuple[float, float] | None = None  # seconds of the length before, and its FLOPs
    for length_bp in args.lengths:
        asked = Asked(name, args.kind, length_bp, args.config_dir)
        try:
            flops = counted(asked)[1]
        except UserError:  # `apart` says what
            flops = None
        work = (flops or 0) * length_bp
        if before and before[0] * work / before[1] > args.most_s:
            measured = Measured(why=f"over {args.most_s:g} s")
        else:
            measured = apart(asked, args.batch)
        if measured.forward_backward_ms is not None and work:
            before = measured.forward_backward_ms / 1e3, work
        yield {"length_bp": length_bp, "batch": args.batch, "flops_per_base": flops, **measured._asdict()}


def machine() -> str:
    """The processor or GPU at hand, threads and torch: what a timing depends on."""
    import platform

    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    return f"{[*names, platform.machine()][0]} CPU, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"


def wide(rows: list[dict[str, Any]], measure: str) -> list[dict[str, Any]]:
    """One measure as a table: a row a model, a column a length; what was not measured says why."""
    return [
        {"model": row["model"]} | {f"{one['length_bp']:,} bp": _cell(one, measure) for one in row["timings"]}
        for row in rows
    ]


def _cell(timing: dict[str, Any], measure: str) -> str:
    value = timing[measure]
    if value is None:
        why = timing["why"] or ""
        return why if len(why) < 20 else "none"  # the first table says why a model cannot be built
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:.1f}"


def _printed(rows: list[dict[str, Any]], args: "Namespace") -> list[str]:
    short = [
        {name: value for name, value in row.items() if name not in ("kind", "length_bp", "timings")}
        | {"about": textwrap.shorten(row["about"], ABOUT, placeholder=" ...")}
        for row in rows
    ]
    lines = [f"one label a sequence ({args.kind}), rows of {args.length_bp:,} bp", "", *words.table(short)]
    if args.time:
        lines += ["", f"batches of {args.batch} rows on {machine()}"]
        for measure, title in MEASURES.items():
            table = wide(rows, measure)
            cells = [list(table[0]), *(list(row.values()) for row in table)]
            lines += ["", title, *columns(cells, right=range(1, len(cells[0])))]
    return lines
