"""The lock of a trial: of several workers, here or on other machines, one runs it."""

from pathlib import Path

from filelock import FileLock, Timeout


class TrialLock:
    """A trial's lock as a context: true where it was free and is now held by this worker."""

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


def wait_for_run(folder: Path) -> None:
    """Wait until no process holds the run folder: one that a killed sweep left behind may still be saving."""
    with FileLock(folder / ".lock"):
        pass


def drawing(folder: Path) -> FileLock:
    """The lock of a search: while one worker holds it no other draws, so that every draw on disk is complete."""
    return FileLock(folder / ".draw.lock")
