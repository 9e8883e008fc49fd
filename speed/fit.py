"""What Trainer.fit costs as shipped: against a hand-written loop with the same model, data and batches, on one thread.

    python speed/fit.py [--rounds 5] [--model convnet] [--length 101] [--rows 16000]

`fit` is what `genolightning train` runs: its Trainer, callbacks, metrics.csv, resume points, random numbers by place,
checkpoints and validation scores. `loop` is the same module, loader, optimiser and scheduler in a plain loop, with a
validation pass and its scores after the epoch, and nothing kept or logged. One epoch of each warms up, then CPU time of
an epoch in turns; the ratio is of the least ones. Bars: convnet at 64 x 101 bp 1.10, hyena at 64 x 1,000 bp 1.03.
Prints one JSON line.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from upstream import ONE_THREAD

os.environ.update(ONE_THREAD)

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from genolightning.config import objects as build
from genolightning.config.compose import compose
from genolightning.genome.alphabet import decode
from genolightning.runs.evaluate import RunObjects
from genolightning.runs.train import checkpoint_callbacks
from genolightning.training.optimization import parameter_groups

BATCH = 64
BARS = {("convnet", 101): 1.10, ("hyena", 1000): 1.03}


class EpochClock(Callback):
    """CPU time at the start of every training epoch and at the end of the fit."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_train_epoch_start(self, *_: Any) -> None:
        self.marks.append(time.process_time())

    def on_train_end(self, *_: Any) -> None:
        self.marks.append(time.process_time())


def fit_epoch(cfg: Any, made: RunObjects, folder: Path) -> float:
    """CPU seconds of the second epoch of a fit, validation and checkpoints included."""
    clock = EpochClock()
    callbacks = [
        *build.configured_callbacks(cfg, made.task),
        clock,
        *checkpoint_callbacks(folder, made.task, seed=cfg["seed"], settings=cfg["callbacks"]["checkpoint"]),
    ]
    trainer = build.build_trainer(cfg, folder, callbacks, logger=build.configured_loggers(cfg, folder))
    trainer.fit(made.model, datamodule=made.data)
    return clock.marks[2] - clock.marks[1]


def loop_epoch(made: RunObjects, optimizer: torch.optim.Optimizer, scheduler: Any) -> float:
    """CPU seconds of one epoch in a plain loop, and a validation pass."""
    loader, validation = made.data.train_dataloader(), made.data.val_dataloader()
    start = time.process_time()
    made.model.train()
    for batch in loader:
        loss = made.task.loss(made.model(batch), batch.target)
        optimizer.zero_grad()
        loss.backward()
        if made.model.optimization.clip:
            torch.nn.utils.clip_grad_norm_(made.model.parameters(), made.model.optimization.clip)
        optimizer.step()
        scheduler.step()
    made.model.eval()
    scores = made.task.metrics()
    with torch.no_grad():
        for batch in validation:
            logits = made.model(batch)
            made.task.loss(logits, batch.target)
            scores.update(*made.task.metric_inputs(logits, batch.target))
    scores.compute()
    return time.process_time() - start


def write_table(path: Path, rows: int, length: int) -> None:
    """Random rows with random labels."""
    random = np.random.default_rng(0)
    codes, labels = random.integers(0, 4, (rows, length)).astype(np.uint8), random.integers(0, 2, rows)
    lines = (f"{decode(row)},{label}\n" for row, label in zip(codes, labels, strict=True))
    path.write_text("sequence,label\n" + "".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="convnet")
    parser.add_argument("--length", type=int, default=101)
    parser.add_argument("--rows", type=int, default=16_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    least = {"fit": float("inf"), "loop": float("inf")}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["GENOLIGHTNING_CACHE"] = str(folder / "cache")
        write_table(folder / "table.csv", options.rows, options.length)
        words = ["dataset=table", "dataset.classes=[0,1]", f"dataset.train={folder / 'table.csv'}", "trainer=cpu"]
        cfg = compose("train", [*words, f"model={options.model}", "trainer.max_epochs=2"]).config
        made, plain = build.build_objects(cfg), build.build_objects(cfg)
        optimizer = plain.model.optimization.optimizer(parameter_groups(plain.model))
        steps = len(plain.data.train_dataloader())
        scheduler = plain.model.optimization.scheduler(optimizer, steps * 2 * (options.rounds + 1))
        loop_epoch(plain, optimizer, scheduler)
        for number in range(options.rounds):
            least["loop"] = min(least["loop"], loop_epoch(plain, optimizer, scheduler))
            least["fit"] = min(least["fit"], fit_epoch(cfg, made, folder / str(number)))
    figures = {f"{side}_ms_a_step": round(1e3 * seconds / steps, 3) for side, seconds in least.items()}
    told = {"what": f"{options.model}, {BATCH} x {options.length} bp, {steps} steps an epoch", **figures}
    bar = BARS.get((options.model, options.length))
    print(json.dumps({**told, "ratio": round(least["fit"] / least["loop"], 3), "bar": bar}))


if __name__ == "__main__":
    main()
