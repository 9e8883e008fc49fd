"""`experiment=gb_cnn_2023` beside genomic-benchmarks 1.0.0's own network and loop, on the same files: test accuracy.

    GENOLIGHTNING_DATA=... python speed/gb_cnn_2023.py [--seeds 1 2 3 4 5] [--dataset prom_core_notata]

Both: every training row, 10 epochs, batches of 64, Adam 1e-3, the loss's sigmoid of a sigmoid, last epoch tested; one
thread. `human_nontata_promoters` is the published test sequences (251 bp, ready on the disk) cut three to one, the
other names are GUE's train and test tables. This is a test of sameness, not of speed: the means of the seeds must
differ by less than .01 and by less than two pooled standard errors (which chance alone exceeds about once in thirteen
times with five seeds). Sides alternate. Prints one JSON line.
"""

import argparse
import csv
import gzip
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from upstream import REPOSITORY, environment, measure, write_texts

from genolightning.paths import data_root

EPOCHS = 10
READY = "human_nontata_promoters"
BAR, BAR_ERRORS = 0.01, 2
Rows = list[tuple[str, str]]


def tables(name: str) -> dict[str, Rows]:
    """Split -> (sequence, class) rows."""
    if name == READY:
        with gzip.open(data_root() / "sequences" / name / "test.tsv.gz", "rt") as file:
            rows = [(row["seq"], row["label"]) for row in csv.DictReader(file, delimiter="\t")]
        return {"train": [row for i, row in enumerate(rows) if i % 4], "test": rows[::4]}
    found = {}
    for split in ("train", "test"):
        with gzip.open(data_root() / "gue" / name / f"{split}.csv.gz", "rt") as file:
            found[split] = [(row["sequence"], row["label"]) for row in csv.DictReader(file)]
    return found


def write_both(name: str, folder: Path) -> None:
    """The same rows as a text file each, for theirs, and as two tables, for ours."""
    for split, rows in tables(name).items():
        # in the order of the classes: some file systems list folders as they were made, and theirs numbers them so
        write_texts(folder, name, split, sorted(rows, key=lambda row: row[1]))
        with open(folder / f"{split}.csv", "w", newline="") as file:
            csv.writer(file).writerows([("sequence", "label"), *rows])


def theirs(name: str, folder: Path, seed: int) -> dict[str, Any]:
    command = [str(environment()), str(REPOSITORY / "speed" / "reference" / "fit.py"), name, str(seed), str(EPOCHS)]
    return dict(json.loads(measure(command, env={"HOME": str(folder)}).last_line))


def ours(name: str, folder: Path, seed: int) -> dict[str, Any]:
    run = folder / f"run-{seed}"
    command = [sys.executable, "-m", "genolightning", "train", "experiment=gb_cnn_2023", "trainer=cpu", f"seed={seed}"]
    command += ["dataset=table", f"dataset.train={folder / 'train.csv'}", f"dataset.test={folder / 'test.csv'}"]
    command += [f"dataset.name={name}", f"trainer.max_epochs={EPOCHS}", f"hydra.run.dir={run}"]
    measure(command, env={"PYTHONPATH": str(REPOSITORY), "GENOLIGHTNING_CACHE": str(folder / "cache")})
    record = json.loads((run / "record.json").read_text())
    scores = {key: record["metrics"][key]["value"] for key in ("accuracy", "f1")}
    return {**scores, "parameters": record["parameters"], "protocol": record["protocol"]}


def compared(name: str, seeds: list[int]) -> dict[str, Any]:
    runs: dict[str, list[dict[str, Any]]] = {"theirs": [], "ours": []}
    with tempfile.TemporaryDirectory() as temporary:
        write_both(name, Path(temporary))
        for number, seed in enumerate(seeds):
            sides = [("theirs", theirs), ("ours", ours)]
            for side, run in sides[:: -1 if number % 2 else 1]:
                runs[side].append(run(name, Path(temporary), seed))
                print(name, side, seed, runs[side][-1], file=sys.stderr, flush=True)
    told: dict[str, Any] = {"dataset": name}
    for side, made in runs.items():
        accuracies = [run["accuracy"] for run in made]
        mean, sd = statistics.mean(accuracies), statistics.stdev(accuracies)
        told[side] = {"mean": round(mean, 5), "sd": round(sd, 5), "accuracies": [round(one, 5) for one in accuracies]}
        told[side]["parameters"] = made[0]["parameters"]
    difference = told["ours"]["mean"] - told["theirs"]["mean"]
    error = math.sqrt((told["ours"]["sd"] ** 2 + told["theirs"]["sd"] ** 2) / len(seeds))
    told |= {"difference": round(difference, 5), "two_pooled_standard_errors": round(BAR_ERRORS * error, 5)}
    return told | {"passed": abs(difference) < min(BAR, BAR_ERRORS * error)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--dataset", nargs="+", default=[READY, "prom_core_notata"])
    options = parser.parse_args()
    environment()
    found = [compared(name, options.seeds) for name in options.dataset]
    passed = all(one["passed"] for one in found)
    print(json.dumps({"speed": "gb_cnn_2023", "epochs": EPOCHS, "beside": found, "passed": passed}))


if __name__ == "__main__":
    main()
