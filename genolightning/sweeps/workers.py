"""`genolightning sweep NAME key=value...`: many points, each its own `train` process, resumable, shared by machines.

A point's folder says all there is to know of it: record.json is finished, error.txt failed, a held lock is being run.
"""

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from genolightning.config import help as words
from genolightning.config.overrides import value_of
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.sweeps import search_space as spaces
from genolightning.sweeps.search_space import Point, Space
from genolightning.sweeps.status import states, told

LIBC = ctypes.CDLL(None)
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)
KEYS = {
    "workers=N": "points at a time, each with its share of the GPUs or cores (1)",
    "sampler=grid|tpe|random": "every combination, or n_trials draws from the ranges (as the file says)",
    "n_trials=N": "draws of a search (as the file says)",
    "prune=median|null": "end a draw whose validation score is below the median of the others'",
    "storage=URL": "an Optuna storage for a search; left out, a journal file beside the runs",
    "launcher=local|slurm": "submit `workers` jobs that share the points; launcher.KEY=VALUE sets conf/launcher's keys",
    "dry_run=true": "print the points, or the job's script, and run nothing",
    "retry=true": "run points again that failed",
}


def main(given: list[str]) -> int:
    if given[:1] == ["export"]:
        from genolightning.sweeps.wandb_export import main as export

        return export(given[1:])
    parser = words.Parser(prog="genolightning sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("words", nargs="*")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--config-dir", type=Path)
    args = parser.parse_intermixed_args(given)
    if args.help or args.name is None:
        say(*explained(args.config_dir))
        return 0
    space = spaces.read(args.name, args.words, args.config_dir)
    if space.settings["launcher"]:
        from genolightning.sweeps.slurm import launch

        return launch(space, given)
    if space.settings["dry_run"] and space.settings["sampler"] != "grid":
        raise UserError("dry_run=true: a search draws its points as it goes; add launcher=slurm to see a job's script")
    if space.settings["sampler"] == "grid":
        points = spaces.grid(space)
        if space.settings["dry_run"]:
            say(*(" ".join(["genolightning train", *map(shlex.quote, point.words)]) for point in points))
            return 0
        say(f"{len(points)} points in {space.folder}")
        for one in points if space.settings["retry"] else []:
            (one.folder / "error.txt").unlink(missing_ok=True)
        at_once(space, lambda worker: run_grid(points, worker))
    else:
        from genolightning.sweeps import optuna_search as study

        points = study.search(space)
    return summary([point.folder for point in points])


def explained(config_dir: Path | None) -> list[str]:
    """The help: what sweeps there are, and the keys that are a sweep's own."""
    return [
        "Run many points, each a `train` process of its own; started again it goes on, and several machines may join.",
        "",
        "usage: genolightning sweep NAME [key=value ...] [--config-dir DIR] [--help]",
        "       genolightning sweep export NAME --format wandb",
        "",
        "sweeps",
        *spaces.listing(config_dir),
        "",
        "keys (those of `train` too, fixed or varied: seed=range(1,6)  model=cnn,convnet  dataset=glob(gb_*))",
        *(f"  {key:<26}{text}" for key, text in KEYS.items()),
        "",
        "examples",
        "  genolightning sweep seeds dataset=motifs model=cnn",
        "  genolightning sweep gb_all workers=2 trainer.max_epochs=5",
        "  genolightning sweep hyena_search n_trials=12 workers=2",
    ]


class Worker:
    """One of several that run points at the same time: its share of the devices, and the process it is waiting for."""

    def __init__(self, number: int, of: int) -> None:
        gpus = _gpus()
        self.env = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(_cores(of))}
        if gpus:
            self.env["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[number::of] or [gpus[number % len(gpus)]])
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = threading.Event()

    def run(self, point: Point, look: Callable[[], bool] = lambda: True, *, every_s: float = 2.0) -> int:
        """Run a point to its end, its words going to `output.txt`; `look` is asked now and then whether to go on."""
        with FileLock(point.folder / ".lock"):  # an orphan of a killed sweep may still be saving: wait for it
            pass
        if (point.folder / "record.json").exists():
            return 0
        with (point.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                _command(point), stdout=output, stderr=output, env=self.env, preexec_fn=_end_with_parent
            )
            while True:
                try:
                    return self.process.wait(timeout=every_s)
                except subprocess.TimeoutExpired:
                    if self.stopped.is_set() or not look():
                        self.process.terminate()


def _command(point: Point) -> list[str]:
    start = [sys.executable, "-m", "genolightning", "train"]
    if any(point.folder.glob("checkpoints/*.ckpt")):
        trust = value_of(point.words, "trust")
        return [*start, f"resume={point.folder}", *([f"trust={trust}"] if trust else [])]
    return [*start, *point.words, f"hydra.run.dir={point.folder}"]


def _end_with_parent() -> None:
    """Linux: a killed sweep takes its points with it, which save and end; elsewhere they run to their end alone."""
    if sys.platform == "linux":
        LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(number) for number, line in enumerate(line for line in listed.splitlines() if line.startswith("GPU"))]


def _cores(workers: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)


def at_once(space: Space, work: Callable[[Worker], Any]) -> None:
    """Let `workers` threads work, each with its own devices; an error in one, or Ctrl-C, ends them all."""
    workers = [Worker(number, space.settings["workers"]) for number in range(space.settings["workers"])]
    errors: list[BaseException] = []

    def guarded(worker: Worker) -> None:
        try:
            work(worker)
        except BaseException as error:
            errors.append(error)
            for other in workers:
                other.stopped.set()

    threads = [threading.Thread(target=guarded, args=(worker,), daemon=True) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for worker in workers:
            worker.stopped.set()
        for thread in threads:
            thread.join(timeout=60)
        raise
    if errors:
        raise errors[0]


def run_grid(points: Sequence[Point], worker: Worker) -> None:
    """Run every point that is not finished, failed or held by another worker, here or on another machine."""
    for point in points:
        if worker.stopped.is_set():
            return
        with Held(point.folder) as held:
            if held and not any((point.folder / name).exists() for name in ("record.json", "error.txt")):
                say(f"starting {point.folder.name}")
                end(point, worker.run(point))


class Held:
    """A point's lock: truthy where it was free and is now ours."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(folder / ".sweep.lock")

    def __enter__(self) -> bool:
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def __exit__(self, *args: object) -> None:
        self.lock.release()


def end(point: Point, code: int) -> None:
    """Note how a point's process ended, in its folder and in a line."""
    if code == 0:
        say(f"finished {point.folder.name}")
    elif code in INTERRUPTED:
        say(f"stopped  {point.folder.name}")
    else:
        said = (point.folder / "output.txt").read_text(errors="replace").strip().splitlines()
        why = said[-1] if code > 0 and said else f"ended by signal {-code}"
        if not (point.folder / "error.txt").exists():
            (point.folder / "error.txt").write_text(why + "\n")
        say(f"failed   {point.folder.name}: {why}")


def summary(folders: Iterable[Path]) -> int:
    """Print what became of every point; 1 where one failed, else 0."""
    found = states(folders)
    say("", *told(found))
    failed = sum(one.state == "failed" for one in found)
    if failed:
        say(f"{failed} failed; to run them again add retry=true")
    return 1 if failed else 0


def require(package: str) -> None:
    """UserError where an optional package is not installed."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise UserError(f"this needs the package {package}: pip install 'genolightning[sweep]'")
