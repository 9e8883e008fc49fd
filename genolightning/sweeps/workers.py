"""Workers of a sweep: each runs trials one after the other, every trial a `train` process of its own.

A trial's folder holds its whole state: record.json is finished, error.txt failed, a held lock is being run.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from genolightning.config.overrides import value_of
from genolightning.config.sweep_values import foreign_packages, training_config
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.sweeps.locks import wait_for_run
from genolightning.sweeps.search_space import Trial

LIBC = ctypes.CDLL(None)
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)
FAILURES_ALIKE = 3  # trials that all fail with one message before any has succeeded end the sweep


class Failures:
    """How the trials of this process have ended; if the first ones all fail the same way, the others would too."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.succeeded = False
        self.messages: list[str] = []

    def note(self, failure: str | None) -> None:
        """Count the end of a trial: None for one that finished or was interrupted, else the message of its failure."""
        if failure is None:
            self.succeeded = True
        else:
            self.messages.append(failure)
        if not self.succeeded and len(self.messages) >= FAILURES_ALIKE and len(set(self.messages)) == 1:
            if not self.stop.is_set():
                say(f"stopped: the first {len(self.messages)} points failed with the same message; mend it first")
            self.stop.set()


class Worker:
    """One of several that run trials at the same time: its share of the devices, and the process it is waiting for."""

    def __init__(self, number: int, of: int, stopped: threading.Event, failures: Failures) -> None:
        gpus = _gpus()
        self.env = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(_cores(of))}
        if gpus:
            self.env["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[number::of] or [gpus[number % len(gpus)]])
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped, self.failures = stopped, failures

    def run(self, trial: Trial, keep_running: Callable[[], bool] = lambda: True, *, every_s: float = 2.0) -> int:
        """Run a trial to its end, what it prints going to `output.txt`; returns its exit code.

        `keep_running` is called every `every_s` seconds; if it returns False the process is terminated.
        """
        wait_for_run(trial.folder)
        if (trial.folder / "record.json").exists():
            return 0
        command = trial_command(trial)
        with (trial.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, env=self.env, preexec_fn=_end_with_parent
            )
            while True:
                try:
                    return self.process.wait(timeout=every_s)
                except subprocess.TimeoutExpired:
                    if self.stopped.is_set() or not keep_running():
                        self.process.terminate()


def trial_command(trial: Trial) -> list[str]:
    """The command that starts a trial, or goes on with one that has a checkpoint.

    A trial that goes on trusts the packages that its config names, for the user has typed them in this sweep.
    """
    start = [sys.executable, "-m", "genolightning", "train", *config_dir_option(trial)]
    if not any(trial.folder.glob("checkpoints/*.ckpt")):
        return [*start, *trial.overrides, f"hydra.run.dir={trial.folder}"]
    trust = value_of(trial.overrides, "trust")
    packages = [trust] if trust else foreign_packages(training_config(trial.overrides, trial.config_dir))
    return [*start, f"resume={trial.folder}", *(f"trust={package}" for package in packages[:1])]


def config_dir_option(trial: Trial) -> list[str]:
    """`--config-dir DIR`, absolute, where the sweep has a folder of configs of the user's own."""
    return [] if trial.config_dir is None else ["--config-dir", str(trial.config_dir.absolute())]


def _end_with_parent() -> None:
    """Linux: if the sweep is killed its trials save and end too; on other systems they run on to their end."""
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


def run_workers(count: int, work: Callable[[Worker], Any]) -> None:
    """Let `count` threads work, each with its own devices; an error in one, or Ctrl-C, ends them all."""
    stopped = threading.Event()
    failures = Failures(stopped)
    workers = [Worker(number, count, stopped, failures) for number in range(count)]
    errors: list[BaseException] = []

    def guarded(worker: Worker) -> None:
        try:
            work(worker)
        except BaseException as error:
            errors.append(error)
            stopped.set()

    threads = [threading.Thread(target=guarded, args=(worker,), daemon=True) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stopped.set()
        for thread in threads:
            thread.join(timeout=60)
        raise
    if errors:
        raise errors[0]


def report_exit(trial: Trial, code: int) -> str | None:
    """Print how a trial's process ended; a failure is written into its folder and returned as its message."""
    name = trial.folder.name
    if code == 0:
        say(f"finished {name}")
        return None
    if code in INTERRUPTED:
        say(f"stopped  {name}")
        return None
    output = (trial.folder / "output.txt").read_text(errors="replace").strip().splitlines()
    message = output[-1] if code > 0 and output else f"ended by signal {-code}"
    if not (trial.folder / "error.txt").exists():
        (trial.folder / "error.txt").write_text(message + "\n")
    say(f"failed   {name}: {message}")
    return message


def require(package: str) -> None:
    """UserError where an optional package is not installed."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise UserError(f"this needs the package {package}: pip install 'genolightning[sweep]'")
