"""Examples a second of every classifier of the zoo on gue_tf_0, one thread.

    GENOLIGHTNING_DATA=... python speed/zoo.py [--models convnet cnn] [--seconds 5]

A training step in a bare loop: the module, its loss, backward and its optimiser, over batches that the loader makes
(64 rows of 101 bp). Some steps warm up, then so many seconds of CPU time, at least two steps. Prints one JSON line;
`genolightning models --speed FILE` reads it for docs/models.md.
"""

import argparse
import json
import os
import time

from upstream import ONE_THREAD

os.environ.update(ONE_THREAD)

import torch

from genolightning.config import help as words
from genolightning.config import objects as build
from genolightning.config.compose import compose
from genolightning.training.optimization import parameter_groups

DATASET, WARM_UP, LEAST_STEPS = "gue_tf_0", 2, 2


def examples_per_s(model: str, seconds: float) -> float:
    """Rows a second of CPU time of training steps."""
    made = build.build_objects(compose("train", [f"dataset={DATASET}", f"model={model}", "trainer=cpu"]).config)
    optimizer = made.model.optimization.optimizer(parameter_groups(made.model))
    made.model.train()
    rows = steps = 0
    start = 0.0
    for number, batch in enumerate(made.data.train_dataloader()):
        if number == WARM_UP:
            start = time.process_time()
        loss = made.task.loss(made.model(batch), batch.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if number >= WARM_UP:
            rows, steps = rows + len(batch.index), steps + 1
            if steps >= LEAST_STEPS and time.process_time() - start >= seconds:
                break
    return rows / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=list(words.choices("model")))
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    speeds = {model: round(examples_per_s(model, options.seconds), 1) for model in options.models}
    print(json.dumps({"what": f"training on {DATASET}, examples a second, 1 thread", "examples_per_s": speeds}))


if __name__ == "__main__":
    main()
