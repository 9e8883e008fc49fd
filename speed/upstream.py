"""The genomic-benchmarks package in an environment of its own, to be measured beside; none of it is kept here."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))  # the scripts of this folder run from a checkout

from genolightning.paths import cache_dir  # noqa: E402

SPEED = REPOSITORY / "speed"
PACKAGE = "genomic-benchmarks==1.0.0"
NEEDS = ["torch", "numpy", "pandas", "scikit-learn", "biopython", "requests", "pyyaml", "tqdm", "yarl"]
UNPINNED = ["gdown", "beautifulsoup4", "soupsieve"]  # imported by the package, never called by us
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Cost(NamedTuple):
    """What a process took, children included, and the last line it printed."""

    cpu_s: float
    wall_s: float
    last_line: str


@cache
def environment() -> Path:
    """Make the environment once, in the cache, and return its Python."""
    folder = cache_dir() / "speed" / "genomic-benchmarks-1.0.0"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        constraints = ["-c", str(REPOSITORY / "constraints.txt")]
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [*pip, *constraints, *NEEDS],
            [*pip, "--no-deps", *UNPINNED, PACKAGE],
        ):
            subprocess.run(command, check=True, stdout=sys.stderr)
        (folder / "whole").touch()
    return python


def write_texts(home: Path, name: str, split: str, rows: Iterable[tuple[str, str]]) -> None:
    """Write (sequence, class) rows in the layout that its dataset class reads below the home folder."""
    folder = home / ".genomic_benchmarks" / name / split
    for i, (sequence, label) in enumerate(rows):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{i}.txt").write_text(sequence)


def upstream_process(script: str, *arguments: object, home: Path) -> subprocess.Popen:
    """Start a script of `reference/` and wait until it says `ready`."""
    process = subprocess.Popen(
        [str(environment()), str(SPEED / "reference" / script), *map(str, arguments)],
        env=os.environ | ONE_THREAD | {"HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert _pipe(process.stdout).readline() == "ready\n", f"{script} did not start"
    return process


def ask(process: subprocess.Popen, line: object = "") -> float:
    """One pass of a script started by `upstream_process`: what it measured."""
    print(line, file=_pipe(process.stdin), flush=True)
    return float(_pipe(process.stdout).readline())


def measure(command: list[str], *, env: dict[str, str]) -> Cost:
    """Run a command on one thread to its end: CPU seconds (user and system, everything included) and wall seconds."""
    start = time.monotonic()
    before = os.times()
    done = subprocess.run(command, env=os.environ | ONE_THREAD | env, stdout=subprocess.PIPE, text=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(cpu, time.monotonic() - start, done.stdout.strip().splitlines()[-1])


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
