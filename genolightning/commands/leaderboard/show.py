"""`genolightning leaderboard`: own runs, their seeds pooled, compared with baselines and published scores."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from genolightning.config.help import options
from genolightning.console import say
from genolightning.errors import UserError

if TYPE_CHECKING:
    from genolightning.analysis.leaderboard import Board

FORMATS = ("table", "csv", "md", "json")


def main(arguments: list[str]) -> int:
    """Print the leaderboard, or write it to a file."""
    args = _options().parse_args(arguments)
    form = "json" if args.json else args.format
    if args.paired and form != "table":
        raise UserError(f"--paired goes with a table, not with {form}; leave one of them out")
    command = f"genolightning leaderboard {shlex.join(arguments)}".strip()
    if args.output and not args.force:
        _refuse_other_file(args.output, command)

    from genolightning.api_leaderboard import make_board, progress

    board = make_board(
        args.logs,
        dataset=args.dataset,
        model=args.model,
        score=args.score,
        baselines=args.baselines,
        pairs=args.paired,
        rehearsals=form in ("json", "csv"),
        config_dir=args.config_dir,
    )
    lines = _lines(board, form, command, colour=not args.output)
    if form != "table" or args.output:
        for note in board.notes:
            progress(note)
    else:
        lines += [f"note: {note}" for note in board.notes]
    if args.output is None:
        say(*lines)
    else:
        from genolightning.storage.atomic import atomic_write

        with atomic_write(args.output) as draft:
            draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def _lines(board: "Board", form: str, command: str, *, colour: bool) -> list[str]:
    from genolightning.report import leaderboard_tables, leaderboard_text

    if form == "json":
        return [leaderboard_text.leaderboard_json(board)]
    if form == "csv":
        return leaderboard_text.leaderboard_csv(board)
    if form == "md":
        return leaderboard_tables.leaderboard_page(board.rows, board.records, command)
    return leaderboard_text.leaderboard_lines(board, colour=colour)


def _refuse_other_file(path: Path, command: str) -> None:
    """Raise UserError if the file exists, unless it is a page that this command has written."""
    if path.is_file() and command not in path.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"--output {path}: the file exists, and another command wrote it", "add --force to replace it")


def _options() -> argparse.ArgumentParser:
    parser = options(
        "leaderboard",
        "show runs with their seeds pooled (mean, sd, 95 % interval) beside published scores; scores of different\n"
        "splits, scores or protocols are never ranked together",
        [
            "",
            "--dataset 'gue_*' --score mcc --baselines",
            "--dataset 'gue_*' --baselines --format md --output my_gue.md",
            "--json",
        ],
    )
    parser.add_argument("--logs", type=Path, metavar="DIR", help="the folder of run folders (GENOLIGHTNING_LOGS, logs)")
    parser.add_argument("--dataset", metavar="GLOB", help="only these datasets, also without a run, e.g. 'gb_*'")
    parser.add_argument("--model", metavar="GLOB", help="only these models of yours")
    parser.add_argument("--score", metavar="NAME", help="this score; without it the records' own and the published one")
    parser.add_argument("--baselines", action="store_true", help="fit a 6-mer logistic regression for each dataset")
    parser.add_argument("--paired", action="store_true", help="below the table, each model's difference to the best")
    parser.add_argument("--format", choices=FORMATS, default="table", help="table (default), csv, md or json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of printing")
    parser.add_argument("--force", action="store_true", help="replace FILE though another command wrote it")
    return parser
