"""A training step of `cnn`, batches of 64 x 251 bp: inside Trainer.fit, in a bare loop, and of the original network.

    python speed/train_step.py [--rounds 3]

`fit` is what `genolightning train` does with 38,000 random rows (428 steps an epoch): its Trainer, progress bar
(drawn on a pseudo-terminal), csv logging, checkpoints, and validation scores on a tenth of the training rows. One
epoch warms up; the second, validation and checkpoint included, is divided by its steps. `bare` is the same module,
loader and optimiser in a plain loop of as many steps, `upstream` the network of genomic-benchmarks 1.0.0 in a plain
loop over tensors made beforehand. CPU time on one thread, sides alternated, least of the rounds. Bars: fit <= .35 of
upstream, fit <= 1.2 of bare. Prints one JSON line.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from upstream import ONE_THREAD, ask, environment, upstream_process

os.environ.update(ONE_THREAD)

import torch
from fit import EpochClock

from genolightning.config import objects as build
from genolightning.config.compose import compose
from genolightning.genome.alphabet import decode
from genolightning.runs.evaluate import RunObjects
from genolightning.runs.train import checkpoint_callbacks
from genolightning.training.optimization import parameter_groups

ROWS, LENGTH, BATCH = 38_000, 251, 64


@contextmanager
def terminal() -> Iterator[None]:
    """Let standard output be a terminal that nobody looks at, so that the progress bar is drawn."""
    master, slave = os.openpty()

    def drain() -> None:
        try:
            while os.read(master, 65536):
                pass
        except OSError:  # the terminal is closed
            return

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    before, sys.stdout = sys.stdout, os.fdopen(slave, "w")
    try:
        yield
    finally:
        sys.stdout.close()
        sys.stdout = before
        thread.join()
        os.close(master)


def fit_step(cfg: Any, made: RunObjects, folder: Path) -> float:
    """Seconds a step of the second epoch of a fit."""
    clock = EpochClock()
    with terminal():
        callbacks = [
            *checkpoint_callbacks(folder, made.task, seed=cfg["seed"], settings=cfg["callbacks"]["checkpoint"]),
            clock,
        ]
        trainer = build.build_trainer(cfg, folder, callbacks, logger=build.configured_loggers(cfg, folder))
        trainer.fit(made.model, datamodule=made.data)
    return (clock.marks[2] - clock.marks[1]) / trainer.num_training_batches


def bare_step(made: RunObjects, optimizer: torch.optim.Optimizer) -> float:
    """Seconds a step of one epoch in a plain loop."""
    loader = made.data.train_dataloader()
    made.model.train()
    start = time.process_time()
    for batch in loader:
        loss = made.task.loss(made.model(batch), batch.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (time.process_time() - start) / len(loader)


def write_table(path: Path) -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (ROWS, LENGTH)).astype(np.uint8)
    labels = random.integers(0, 2, ROWS)
    rows = (f"{decode(row)},{label}\n" for row, label in zip(codes, labels, strict=True))
    path.write_text("sequence,label\n" + "".join(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    environment()
    least = dict.fromkeys(("fit", "bare", "upstream"), float("inf"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["GENOLIGHTNING_CACHE"] = str(folder / "cache")
        write_table(folder / "table.csv")
        words = [
            "dataset=table",
            "dataset.classes=[0,1]",
            f"dataset.train={folder / 'table.csv'}",
            "model=cnn",
            "trainer=cpu",
        ]
        cfg = compose("train", [*words, "trainer.max_epochs=2"]).config
        made, plain = build.build_objects(cfg), build.build_objects(cfg)
        optimizer = made.model.optimization.optimizer(parameter_groups(plain.model))
        upstream = upstream_process("step.py", LENGTH, BATCH, home=folder)
        bare_step(plain, optimizer)
        ask(upstream, 50)
        steps = len(plain.data.train_dataloader())
        for number in range(options.rounds):
            least["fit"] = min(least["fit"], fit_step(cfg, made, folder / str(number)))
            least["bare"] = min(least["bare"], bare_step(plain, optimizer))
            least["upstream"] = min(least["upstream"], ask(upstream, steps))
        upstream.communicate()
    figures = {f"{side}_ms": round(1e3 * seconds, 2) for side, seconds in least.items()}
    ratios = {f"fit_to_{side}": round(least["fit"] / least[side], 3) for side in ("upstream", "bare")}
    bars = {"fit_to_upstream": 0.35, "fit_to_bare": 1.2}
    print(json.dumps({"what": f"cnn, {BATCH} x {LENGTH} bp, {steps} steps", **figures, **ratios, "bars": bars}))


if __name__ == "__main__":
    main()
