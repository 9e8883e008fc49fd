"""Run `genolightning WORDS` in forked children, some of which kill themselves; imports are paid for once.

    python -m tests.helpers.killed JOBS      a JSON file, or JSON itself: a list of one of
        {"words": [...], "kill_at": share or null, "signal": number}     one run
        {"truncate": file} {"move": [from, to]}                          what happens to files in between

Moments are training steps, validation steps and the two halves of writing a file. A run is killed at a share of the
moments of the last run that was left alone: 0 is before its first step, 1 the last moment of all. Prints a JSON list of
{"code", "moments", "said"} of each run.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from genolightning import cli
from genolightning.config import objects as build
from genolightning.training.module import SequenceModule

AFTER_CONFIG = 2  # before that there is nothing to go on with


class Moments:
    """Counts what goes by, and sends this process a signal at one of them."""

    def __init__(self, kill_at: int | None, number: int, count: Path) -> None:
        self.seen, self.kill_at, self.number, self.count = 0, kill_at, number, count
        for owner, name in ((SequenceModule, "training_step"), (SequenceModule, "validation_step")):
            self.before(owner, name)
        self.before(torch, "save")  # a checkpoint's draft is open and empty
        self.before(os, "replace")  # a file is written, and not yet in its place

    def before(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.seen += 1
            self.count.write_text(str(self.seen))
            if self.seen == self.kill_at:
                os.kill(os.getpid(), self.number)
            return real(*args, **kwargs)

        setattr(owner, name, counted)


def run(job: dict[str, Any], kill_at: int | None, folder: Path) -> dict[str, Any]:
    count, said = folder / "count", folder / "said"
    count.write_text("0")
    child = os.fork()
    if not child:
        Moments(kill_at, job.get("signal", signal.SIGKILL), count)
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.argv = ["genolightning", *job["words"]]
        code = 1
        try:
            code = cli.main()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    words = said.read_text(errors="replace")
    return {"code": os.waitstatus_to_exitcode(status), "moments": int(count.read_text()), "said": words}


def main(jobs: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = []
    moments = 0
    for job in jobs:
        if "truncate" in job:
            os.truncate(job["truncate"], os.path.getsize(job["truncate"]) // 2)
        elif "move" in job:
            os.rename(*job["move"])
        else:
            share = job.get("kill_at")
            kill_at = None if share is None else AFTER_CONFIG + round(share * (moments - AFTER_CONFIG))
            done.append(run(job, kill_at, folder))
            if share is None and "resume=" not in " ".join(job["words"]):
                moments = done[-1]["moments"]
    return done


if __name__ == "__main__":
    assert build
    given = sys.argv[1]
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(main(json.loads(given if given[0] == "[" else Path(given).read_text()), Path(temporary))))
