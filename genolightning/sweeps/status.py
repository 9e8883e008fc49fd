"""`genolightning watch [logs=DIR]`: running, finished and failed runs, read from their folders alone."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genolightning.config import help as words
from genolightning.config.overrides import value_of
from genolightning.console import columns, say
from genolightning.errors import UserError
from genolightning.paths import logs_dir
from genolightning.runs.record import RunRecord

SILENT_S = 3600  # a run of another machine that has written nothing for so long is not called running any more


class State(NamedTuple):
    """What a run folder says of its run."""

    name: str
    state: str  # running, finished, failed, pruned, stopped, waiting
    epoch: str = ""
    score: str = ""
    left: str = ""
    device: str = ""
    about: str = ""  # the error of a failed run


def main(given: list[str]) -> int:
    parser = words.options("watch", "Show runs and sweeps, read from their folders.", ["", "logs=/shared/logs --once"])
    parser.add_argument("words", nargs="*", metavar="logs=DIR", help="the folder of run folders (GENOLIGHTNING_LOGS)")
    parser.add_argument("--once", action="store_true", help="print the table once and leave")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="between two looks (2)")
    args = parser.parse_intermixed_args(given)
    if wrong := [word for word in args.words if not word.startswith("logs=")]:
        raise UserError(f"{wrong[0]}: no such key; there is logs=DIR")
    if not args.every > 0:
        raise UserError(f"--every {args.every:g}: wanted seconds above 0, e.g. 2")
    root = Path(value_of(args.words, "logs") or logs_dir())
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; name the one that holds the runs with logs=DIR")
    if args.json:
        say(json.dumps([one._asdict() for one in states(runs(root), root)]))
    elif args.once or not sys.stdout.isatty():
        say(*told(states(runs(root), root)))
    else:
        live(root, args.every)
    return 0


def live(root: Path, every_s: float) -> None:
    """Draw the table again and again until Ctrl-C."""
    from rich.live import Live
    from rich.text import Text

    def drawn() -> Text:
        return Text("\n".join([*told(states(runs(root), root)), "", f"{root}   Ctrl-C leaves; the runs go on"]))

    with Live(drawn(), auto_refresh=False, screen=True) as screen:
        while True:
            time.sleep(every_s)
            screen.update(drawn(), refresh=True)


def runs(root: Path) -> list[Path]:
    """Every run folder below a folder, newest last."""
    found = [file.parent.parent for file in root.glob("**/.hydra/config.yaml")]
    return sorted(found, key=lambda folder: (folder / ".hydra").stat().st_mtime)


def states(folders: Iterable[Path], root: Path | None = None) -> list[State]:
    """What each folder says."""
    return [state_of(one, str(one.relative_to(root)) if root else one.name) for one in folders]


def state_of(folder: Path, name: str) -> State:
    """Read one run folder; half-written or strange files read as nothing."""
    status, record = read(folder / "status.json"), _record(folder)
    epoch = f"{status['epoch'] + 1}/{status['epochs']}" if "epoch" in status else ""
    device = " ".join(str(status[key]) for key in ("host", "device") if key in status)
    if record:
        score = f"test {record.score_name} {'none' if record.score is None else format(record.score, '.4f')}"
        return State(name, "finished", epoch, score, "", device, f"{record.seconds or 0:.0f} s")
    value = status.get("score")
    score = "" if value is None else f"{status['score_name']} {value:.4f}"
    error = folder / "error.txt"
    if error.exists():
        why = error.read_text(errors="replace").strip()[:100]
        return State(name, "pruned" if why.startswith("pruned") else "failed", epoch, score, "", device, why)
    if not status:
        return State(name, "waiting")
    if not _alive(status):
        return State(name, "stopped", epoch, score, "", device, "train resume=DIR goes on")
    return State(name, "running", epoch, score, _duration(status.get("seconds_left")), device)


def _record(folder: Path) -> RunRecord | None:
    """The record of a finished run; None where there is none yet, or it is damaged."""
    try:
        return RunRecord.read(folder)
    except UserError:
        return None


def read(path: Path) -> dict[str, Any]:
    """A JSON file of a run that may be running: nothing where it is missing, half-written or strange."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _alive(status: dict[str, Any]) -> bool:
    if status.get("host") != socket.gethostname():
        return time.time() - float(status.get("time", 0)) < SILENT_S
    try:
        os.kill(int(status["pid"]), 0)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60:02d} min" if hours else f"{rest // 60} min {rest % 60:02d} s"


def told(found: Sequence[State]) -> list[str]:
    """States as aligned lines, and a count of each."""
    if not found:
        return ["no runs there yet"]
    head = ("run", "state", "epoch", "score", "time left", "device", "")
    counts = {state: sum(one.state == state for one in found) for state in dict.fromkeys(one.state for one in found)}
    return [*columns([head, *found]), ", ".join(f"{count} {state}" for state, count in counts.items())]
