"""Run `genolightning WORDS` in forked children, some of which kill themselves; imports are paid for once.

    python -m tests.killed FILE      FILE: a JSON list of {"words": [...], "kill_at": moment or null, "signal": number}

Moments are counted over training steps, validation steps and checkpoints being written. Prints a JSON list of
{"code": exit code, "moments": how many there were, "said": standard output and error}.
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
from genolightning.commands import build
from genolightning.module import SequenceModule


class Moments:
    """Counts what goes by, and sends this process a signal at one of them."""

    def __init__(self, kill_at: int | None, number: int, count: Path) -> None:
        self.seen, self.kill_at, self.number, self.count = 0, kill_at, number, count

    def pass_by(self) -> None:
        self.seen += 1
        self.count.write_text(str(self.seen))
        if self.seen == self.kill_at:
            os.kill(os.getpid(), self.number)

    def before(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.pass_by()
            return real(*args, **kwargs)

        setattr(owner, name, counted)


def run(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    count, said = folder / "count", folder / "said"
    count.write_text("0")
    child = os.fork()
    if not child:
        moments = Moments(job.get("kill_at"), job.get("signal", signal.SIGKILL), count)
        moments.before(SequenceModule, "training_step")
        moments.before(SequenceModule, "validation_step")
        moments.before(torch, "save")  # the checkpoint's draft is open and empty
        moments.before(os, "replace")  # it is written, and not yet in its place
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
    return {
        "code": os.waitstatus_to_exitcode(status),
        "moments": int(count.read_text()),
        "said": said.read_text(errors="replace"),
    }


if __name__ == "__main__":
    assert build  # imported once, before the children are made
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps([run(job, Path(temporary)) for job in json.loads(Path(sys.argv[1]).read_text())]))
