"""`genolightning watch [logs=DIR]`: running, finished and failed runs, read from their folders alone."""

import json
import sys
import time
from pathlib import Path

from genolightning.config.help import options
from genolightning.config.overrides import value_of
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import logs_dir
from genolightning.sweeps.status import run_folders, run_states, status_table


def main(arguments: list[str]) -> int:
    """Print the state of every run below a folder, once or again and again."""
    parser = options("watch", "Show runs and sweeps, read from their folders.", ["", "logs=/shared/logs --once"])
    parser.add_argument("keys", nargs="*", metavar="logs=DIR", help="the folder of run folders (GENOLIGHTNING_LOGS)")
    parser.add_argument("--once", action="store_true", help="print the table once and leave")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="between two looks (2)")
    args = parser.parse_intermixed_args(arguments)
    if wrong := [key for key in args.keys if not key.startswith("logs=")]:
        raise UserError(f"{wrong[0]}: no such key; there is logs=DIR")
    if not args.every > 0:
        raise UserError(f"--every {args.every:g}: wanted seconds above 0, e.g. 2")
    root = Path(value_of(args.keys, "logs") or logs_dir())
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; name the one that holds the runs with logs=DIR")
    if args.json:
        say(json.dumps([state._asdict() for state in run_states(run_folders(root), root)]))
    elif args.once or not sys.stdout.isatty():
        say(*status_table(run_states(run_folders(root), root)))
    else:
        watch_live(root, args.every)
    return 0


def watch_live(root: Path, every_s: float) -> None:
    """Draw the table again and again until Ctrl-C."""
    from rich.live import Live
    from rich.text import Text

    def drawn() -> Text:
        lines = status_table(run_states(run_folders(root), root))
        return Text("\n".join([*lines, "", f"{root}   Ctrl-C leaves; the runs go on"]))

    with Live(drawn(), auto_refresh=False, screen=True) as screen:
        while True:
            time.sleep(every_s)
            screen.update(drawn(), refresh=True)
