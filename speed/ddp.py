"""Two processes of one thread each against one: `convnet`, one global batch of 256 rows x 101 bp, examples a second.

    python speed/ddp.py [--rounds 5] [--rows 16000]

Both sides are `genolightning train` as shipped (trainer=cpu, and with trainer.strategy=ddp trainer.devices=2), three
epochs each; the second and third are timed from the first step to the last by a callback in the first process, so that
neither start-up nor validation counts. In turns, best of the rounds. Bar: 1.5. It needs two idle cores: the load before
the first round is told beside the ratio. Prints one JSON line.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from upstream import ONE_THREAD, REPOSITORY

BATCH, LENGTH, BAR = 256, 101, 1.5
CLOCK = """
import time

from lightning.pytorch.callbacks import Callback


class Clock(Callback):
    def __init__(self, path):
        self.path, self.seconds, self.batches = path, 0.0, 0

    def on_train_batch_start(self, trainer, module, batch, number):
        if number == 0:
            self.start = time.monotonic()

    def on_train_batch_end(self, trainer, module, outputs, batch, number):
        if trainer.is_last_batch and trainer.current_epoch > 0:
            self.seconds += time.monotonic() - self.start
            self.batches += number
        if trainer.is_last_batch and trainer.is_global_zero:
            open(self.path, "w").write(f"{self.batches} {self.seconds}")
"""


def examples_a_second(folder: Path, table: Path, processes: int) -> float:
    """Train with so many processes in a new folder."""
    words = ["dataset=table", "dataset.classes=[0,1]", f"dataset.train={table}", "model=convnet", "trainer=cpu"]
    words += [f"dataset.batch_size={BATCH // processes}", "trainer.max_epochs=3", f"trainer.devices={processes}"]
    words += ["trainer.strategy=ddp"] if processes > 1 else []
    words += [f"+callbacks.clock={{_target_: clock.Clock, path: {folder / 'clock'}}}", f"hydra.run.dir={folder}"]
    env = os.environ | ONE_THREAD | {"PYTHONPATH": f"{table.parent}:{REPOSITORY}"}
    start = [sys.executable, "-m", "genolightning", "train", *words]
    subprocess.run(start, env=env, check=True, stdout=subprocess.DEVNULL, cwd=table.parent)
    batches, seconds = (folder / "clock").read_text().split()
    return int(batches) * BATCH / float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=16_000)
    options = parser.parse_args()
    from fit import write_table

    best, load = {1: 0.0, 2: 0.0}, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        os.environ["GENOLIGHTNING_CACHE"] = str(home / "cache")
        write_table(home / "table.csv", options.rows, LENGTH)
        (home / "clock.py").write_text(CLOCK)
        for number in range(options.rounds):
            for processes in best:
                folder = home / f"{processes}-{number}"
                best[processes] = max(best[processes], examples_a_second(folder, home / "table.csv", processes))
    told = {f"{processes}_examples_a_second": round(speed) for processes, speed in best.items()}
    what = f"convnet, global batch {BATCH} x {LENGTH} bp, {os.cpu_count()} cores, load {load:.1f} before"
    print(json.dumps({"what": what, **told, "ratio": round(best[2] / best[1], 2), "bar": BAR}))


if __name__ == "__main__":
    main()
