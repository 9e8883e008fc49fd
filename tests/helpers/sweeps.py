"""A worker that runs no process, for the tests of sweeps."""

import threading

from genolightning.sweeps.workers import Failures


class StubWorker:
    """A worker that only notes what it is given to run, and fails where the words say seed=3."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.stopped = threading.Event()
        self.failures = Failures(self.stopped)

    def run(self, trial, keep_running=lambda: True, *, every_s=2.0) -> int:
        self.ran.append(" ".join(trial.overrides))
        if "seed=3" in trial.overrides:
            (trial.folder / "output.txt").write_text("Traceback\ngenolightning: three is refused\n")
            return 2
        (trial.folder / "record.json").write_text("{}")
        return 0
