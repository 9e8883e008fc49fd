"""The state of runs, read from their folders alone: running, finished, failed, pruned, stopped or waiting."""

import json
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genolightning.console import columns, say
from genolightning.errors import UserError
from genolightning.runs.record import RunRecord

SILENT_S = 3600  # a run of another machine that has written nothing for so long is not called running any more


class RunState(NamedTuple):
    """What a run folder holds of its run, as text."""

    name: str
    state: str  # running, finished, failed, pruned, stopped, waiting
    epoch: str = ""
    score: str = ""
    left: str = ""
    device: str = ""
    about: str = ""  # the error of a failed run, how to go on with a stopped one


def run_folders(root: Path) -> list[Path]:
    """Every run folder below a folder, newest last."""
    folders = [file.parent.parent for file in root.glob("**/.hydra/config.yaml")]
    return sorted(folders, key=lambda folder: (folder / ".hydra").stat().st_mtime)


def run_states(folders: Iterable[Path], root: Path | None = None) -> list[RunState]:
    """The state of each folder, named below `root`."""
    return [run_state(folder, str(folder.relative_to(root)) if root else folder.name) for folder in folders]


def run_state(folder: Path, name: str) -> RunState:
    """The state of one run folder; files that are half-written or damaged count as missing."""
    status, record = read_json(folder / "status.json"), _record(folder)
    epoch = f"{status['epoch'] + 1}/{status['epochs']}" if "epoch" in status else ""
    device = " ".join(str(status[key]) for key in ("host", "device") if key in status)
    if record:
        score = f"test {record.score_name} {'none' if record.score is None else format(record.score, '.4f')}"
        return RunState(name, "finished", epoch, score, "", device, f"{record.seconds or 0:.0f} s")
    value = status.get("score")
    score = "" if value is None else f"{status['score_name']} {value:.4f}"
    error = folder / "error.txt"
    if error.exists():
        why = error.read_text(errors="replace").strip()[:100]
        return RunState(name, "pruned" if why.startswith("pruned") else "failed", epoch, score, "", device, why)
    hint = f"killed? genolightning train resume={folder}"
    if not status:  # started, and not at its first step; while it runs it locks its folder
        return RunState(name, "waiting", about=hint if _is_free(folder / ".lock") else "")
    if not _is_alive(status):
        return RunState(name, "stopped", epoch, score, "", device, hint)
    return RunState(name, "running", epoch, score, _duration(status.get("seconds_left")), device)


def _record(folder: Path) -> RunRecord | None:
    """The record of a finished run; None where there is none yet, or it is damaged."""
    try:
        return RunRecord.read(folder)
    except UserError:
        return None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a run that may be running: empty where the file is missing, half-written or damaged."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_alive(status: dict[str, Any]) -> bool:
    if status.get("host") != socket.gethostname():
        return time.time() - float(status.get("time", 0)) < SILENT_S
    try:
        os.kill(int(status["pid"]), 0)
        return not _is_zombie(int(status["pid"]))
    except (OSError, KeyError, ValueError):
        return False


def _is_zombie(pid: int) -> bool:
    """Linux: whether a process was killed and its parent has not noticed yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def _is_free(lock: Path) -> bool:
    """Linux: whether no process of this machine holds a lock file, found without taking it; elsewhere False."""
    try:
        inode, locks = lock.stat().st_ino, Path("/proc/locks").read_text()
    except OSError:
        return False
    return re.search(rf":{inode} ", locks) is None


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60:02d} min" if hours else f"{rest // 60} min {rest % 60:02d} s"


def status_table(states: Sequence[RunState]) -> list[str]:
    """States as aligned lines, and a count of each."""
    if not states:
        return ["no runs there yet"]
    head = ("run", "state", "epoch", "score", "time left", "device", "")
    counts = Counter(one.state for one in states)
    return [*columns([head, *states]), ", ".join(f"{count} {state}" for state, count in counts.items())]


def report_trials(folders: Iterable[Path]) -> int:
    """Print the state of every trial; returns how many failed."""
    states = run_states(folders)
    say("", *status_table(states))
    failed = sum(one.state == "failed" for one in states)
    if failed:
        say(f"{failed} failed; to run them again add retry=true")
    return failed
