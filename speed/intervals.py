"""Interval tables and a gzipped FASTA to sequences: ours beside loc2seq of genomic-benchmarks 1.0.0.

    python speed/intervals.py [--passes 3]

30,000 intervals of 251 bp on both strands, two classes, train and test, from a gzipped FASTA of 50 Mb in ten records.
Theirs is `download_dataset` without its cloud cache: reads the FASTA into strings, cuts, writes one text file a row.
Ours reads and checks the tables, opens the genome and gathers base codes; cold encodes the genome first, warm finds it
in the cache. Every pass is a fresh process on one thread, imports not timed on either side; CPU time, sides alternated,
least of all passes; the peak memory is the process's, imports included. The sequences are compared once. Bars: 5 times
cold, 100 times warm. Prints one JSON line.
"""

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from upstream import ONE_THREAD, SPEED, environment

from genolightning.genome.alphabet import decode
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import read_gb_table
from genolightning.genome.reference import Genome

RECORDS, RECORD_BP, INTERVALS, WINDOW_BP = 10, 5_000_000, 30_000, 251
CLASSES, SPLITS = ("negative", "positive"), ("train", "test")
METADATA = "version: 0\nclasses:\n" + "".join(
    f"  {name}:\n    type: fa.gz\n    url: http://localhost/genome.fa.gz\n    extra_processing: null\n"
    for name in CLASSES
)


def write_inputs(folder: Path) -> None:
    """`references/genome.fa.gz`, and `dataset` in the Genomic Benchmarks layout."""
    random = np.random.default_rng(0)
    (folder / "references").mkdir()
    with gzip.open(folder / "references" / "genome.fa.gz", "wb", compresslevel=6) as file:
        for number in range(RECORDS):
            lines = np.full((RECORD_BP // 50, 51), ord("\n"), np.uint8)
            lines[:, :50] = random.choice(np.frombuffer(b"ACGT", np.uint8), (RECORD_BP // 50, 50))
            file.write(f">chr{number + 1}\n".encode() + lines.tobytes())
    tables = [folder / "dataset" / split / f"{name}.csv.gz" for split in SPLITS for name in CLASSES]
    for table in tables:
        table.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(table, "wt") as text:
            text.write("id,region,start,end,strand\n")
            for row in range(INTERVALS // len(tables)):
                start = random.integers(0, RECORD_BP - WINDOW_BP)
                chrom, strand = random.integers(1, RECORDS + 1), "+-"[random.integers(2)]
                text.write(f"{row},chr{chrom},{start},{start + WINDOW_BP},{strand}\n")
    (folder / "dataset" / "metadata.yaml").write_text(METADATA)


def our_codes(folder: Path, cache: Path) -> dict[Path, Codes]:
    """Base codes of every table, by its place in the dataset."""
    genome = Genome(folder / "references" / "genome.fa.gz", cache=cache)
    dataset = folder / "dataset"
    tables = [Path(split) / name for split in SPLITS for name in CLASSES]
    return {table: genome.gather(read_gb_table(dataset / f"{table}.csv.gz").intervals) for table in tables}


def our_child(folder: Path, cache: Path) -> None:
    import filelock  # noqa: F401 (imports are not timed)
    import polars as pl

    pl.DataFrame({"warm": [1]}).filter(pl.col("warm") > 0)
    begin = time.process_time()
    our_codes(folder, cache)
    print(time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(command: Sequence[object], *, home: Path) -> tuple[float, float]:
    """CPU seconds and peak MB that a child prints on its last line."""
    env = os.environ | ONE_THREAD | {"POLARS_MAX_THREADS": "1", "HOME": str(home)}
    done = subprocess.run(
        list(map(str, command)), env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    seconds, peak_mb = done.stdout.split()
    return float(seconds), float(peak_mb)


def check_same(folder: Path, theirs: Path) -> None:
    """Every sequence of theirs equals ours."""
    for table, codes in our_codes(folder, folder / "cache").items():
        for row, sequence in enumerate(codes):
            assert (theirs / table / f"{row}.txt").read_text() == decode(sequence), f"{table} row {row} differs"


def compare(passes: int, folder: Path) -> dict[str, Any]:
    write_inputs(folder)
    python, cache, out = environment(), folder / "cache", folder / "out"
    ours = [sys.executable, __file__, "--child", folder, cache]
    theirs = [python, SPEED / "reference" / "loc2seq.py", folder / "dataset", folder / "references", out]
    taken: dict[str, list[tuple[float, float]]] = {"loc2seq": [], "cold": [], "warm": []}
    for _ in range(passes):
        taken["loc2seq"].append(measured(theirs, home=folder))
        shutil.rmtree(cache, ignore_errors=True)
        taken["cold"].append(measured(ours, home=folder))
        taken["warm"].extend(measured(ours, home=folder) for _ in range(3))
    check_same(folder, out / "dataset")
    least = {side: min(seconds for seconds, _ in runs) for side, runs in taken.items()}
    return {
        "cpu_s": {side: round(seconds, 4) for side, seconds in least.items()},
        "peak_mb": {side: round(max(peak for _, peak in runs)) for side, runs in taken.items()},
        "ratio_cold": round(least["loc2seq"] / least["cold"], 1),
        "ratio_warm": round(least["loc2seq"] / least["warm"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        our_child(*options.child)
        return
    with tempfile.TemporaryDirectory() as name:
        result = compare(options.passes, Path(name))
    passed = result["ratio_cold"] >= 5 and result["ratio_warm"] >= 100
    print(json.dumps({"speed": "intervals", **result, "passed": passed}))


if __name__ == "__main__":
    main()
