"""The published CNN trained by its own loop beside `model=cnn`, on the same files: test accuracy and CPU seconds.

    GENOLIGHTNING_DATA=... python speed/upstream_cnn.py [--seeds 1 2 3] [--dataset prom_core_notata]

Both: training split, 10 epochs, batches of 64, Adam 1e-3, one thread (OMP_NUM_THREADS=1). Upstream tests its last
epoch; ours picks the best epoch on the dev split and pays for validating. CPU seconds are user and system of the whole
process: imports, reading, encoding (our cache starts empty), training, test, scores. Upstream's text files are written
beforehand, for nothing. Bars: mean accuracy not lower by more than .005, in at most .4 of the CPU time.
Prints one JSON line.
"""

import argparse
import csv
import gzip
import json
import statistics
import sys
import tempfile
from pathlib import Path

from upstream import REPOSITORY, Cost, environment, measure, write_texts

from genolightning.paths import data_root

EPOCHS = 10


def rows_of(path):
    with gzip.open(path, "rt") as file:
        return [(row["sequence"], row["label"]) for row in csv.DictReader(file)]


def upstream(name: str, home: Path, seed: int) -> tuple[float, Cost]:
    command = [str(environment()), str(REPOSITORY / "speed" / "reference" / "fit.py"), name, str(seed), str(EPOCHS)]
    cost = measure(command, env={"HOME": str(home)})
    return json.loads(cost.last_line)["accuracy"], cost


def ours(name: str, folder: Path, seed: int) -> tuple[float, Cost]:
    run = folder / f"run-{seed}"
    command = [sys.executable, "-m", "genolightning", "train", f"dataset=gue_{name}", "model=cnn", "trainer=cpu"]
    command += [f"trainer.max_epochs={EPOCHS}", f"seed={seed}", f"hydra.run.dir={run}"]
    env = {"PYTHONPATH": str(REPOSITORY), "GENOLIGHTNING_CACHE": str(folder / f"cache-{seed}")}
    cost = measure(command, env=env)
    return json.loads((run / "record.json").read_text())["metrics"]["accuracy"]["value"], cost


def summary(runs: list[tuple[float, Cost]]) -> dict[str, object]:
    return {
        "accuracy": statistics.mean(accuracy for accuracy, _ in runs),
        "accuracies": [accuracy for accuracy, _ in runs],
        "cpu_s": statistics.mean(cost.cpu_s for _, cost in runs),
        "cpu_seconds": [cost.cpu_s for _, cost in runs],
        "wall_s": statistics.mean(cost.wall_s for _, cost in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--dataset", default="prom_core_notata", help="a GUE dataset of two classes")
    parser.add_argument("--side", choices=["upstream", "ours"], help="run one side only")
    options = parser.parse_args()
    sides: dict[str, list[tuple[float, Cost]]] = {"upstream": [], "ours": []}
    environment()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for split in ("train", "test"):
            write_texts(
                folder, options.dataset, split, rows_of(data_root() / "gue" / options.dataset / f"{split}.csv.gz")
            )
        for seed in options.seeds:
            for side, run in (("upstream", upstream), ("ours", ours)):
                if options.side in (None, side):
                    sides[side].append(run(options.dataset, folder, seed))
                    print(side, seed, sides[side][-1][0], round(sides[side][-1][1].cpu_s, 1), file=sys.stderr)
    out: dict[str, object] = {
        "what": f"cnn, gue_{options.dataset}, {EPOCHS} epochs, one thread",
        "seeds": options.seeds,
    }
    figures = {side: summary(runs) for side, runs in sides.items() if runs}
    out |= figures
    if len(figures) == 2:
        out["accuracy_difference"] = figures["ours"]["accuracy"] - figures["upstream"]["accuracy"]
        out["cpu_ratio"] = figures["ours"]["cpu_s"] / figures["upstream"]["cpu_s"]
        out["bars"] = {"accuracy_difference": ">= -.005", "cpu_ratio": "<= .4"}
    print(json.dumps(out))


if __name__ == "__main__":
    main()
