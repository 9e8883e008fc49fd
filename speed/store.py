"""The encoded store of the largest of the Genomic Benchmarks: 289,061 rows of 71 to 802 bp, made anew and opened again.

    python speed/store.py [--passes 3]

Interval tables with the counts of human_ensembl_regulatory (three classes, train and test) over a random genome of 24
records and 96 Mb that is encoded beforehand. "build" reads and checks the tables, gathers the bases and writes both
stores with their checksums; "open" finds them and hashes the tables; "check" looks at every byte. CPU and wall seconds
on one thread, least of all passes. Bar: build in 10 s. Prints one JSON line.
"""

import argparse
import gzip
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}

import numpy as np

from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.data.encoded_split import check_split, open_split
from genolightning.genome.alphabet import decode
from genolightning.genome.reference import Genome

COUNTS = {
    "train": {"enhancer": 85_512, "ocr": 69_902, "promoter": 75_934},
    "test": {"enhancer": 21_378, "ocr": 17_476, "promoter": 18_859},
}
RECORDS, RECORD_BP = 24, 4_000_000
SHORTEST, LONGEST = 71, 802


def write_inputs(root: Path) -> dict[str, str]:
    """Genome and tables in the layout of a data root; returns the records."""
    random = np.random.default_rng(0)
    records = {f"chr{i + 1}": decode(random.integers(0, 4, RECORD_BP).astype(np.uint8)) for i in range(RECORDS)}
    (root / "genomes").mkdir()
    (root / "genomes" / "random.fa").write_text("".join(f">{name}\n{text}\n" for name, text in records.items()))
    for split, classes in COUNTS.items():
        folder = root / "genomic_benchmarks" / "toy" / split
        folder.mkdir(parents=True)
        for label, rows in classes.items():
            start = random.integers(0, RECORD_BP - LONGEST, rows)
            end = start + random.integers(SHORTEST, LONGEST + 1, rows)
            chrom = random.integers(1, RECORDS + 1, rows)
            lines = [f"{i},chr{c},{a},{b},\n" for i, (c, a, b) in enumerate(zip(chrom, start, end, strict=True))]
            data = ("id,region,start,end,strand\n" + "".join(lines)).encode()
            (folder / f"{label}.csv.gz").write_bytes(gzip.compress(data))
    return records


def benchmark() -> IntervalTables:
    classes = list(COUNTS["train"])
    return IntervalTables(name="gb_toy", folder="toy", kind="multiclass", classes=classes, assembly="random")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return time.process_time() - cpu, time.monotonic() - wall


def check(records: dict[str, str]) -> None:
    """What is timed must be right: some rows against plain slices of the records."""
    store = open_split(benchmark(), "test")
    from genolightning.genome.intervals import read_gb_table

    intervals = read_gb_table(benchmark().there()[3]).intervals  # the first class of test
    for row in range(0, len(intervals), 997):
        own = store.codes[row]
        assert decode(own) == records[str(intervals.chrom[row])][intervals.start[row] : intervals.end[row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    passes = parser.parse_args().passes
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        os.environ |= {"GENOLIGHTNING_DATA": str(root), "GENOLIGHTNING_CACHE": str(root / "cache")}
        records = write_inputs(root)
        Genome(root / "genomes" / "random.fa")
        works: dict[str, Callable[[], object]] = {
            "build": lambda: [open_split(benchmark(), split) for split in COUNTS],
            "open": lambda: [open_split(benchmark(), split) for split in COUNTS],
            "check": lambda: [check_split(benchmark(), split) for split in COUNTS],
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(passes):
            shutil.rmtree(root / "cache" / "stores", ignore_errors=True)
            for name, work in works.items():
                taken[name].append(timed(work))
        check(records)
        size = sum(file.stat().st_size for file in (root / "cache" / "stores").glob("*/*"))
    figures = {
        name: {"cpu_s": round(min(runs)[0], 3), "wall_s": round(min(w for _, w in runs), 3)}
        for name, runs in taken.items()
    }
    rows = sum(count for classes in COUNTS.values() for count in classes.values())
    passed = figures["build"]["cpu_s"] <= 10
    print(json.dumps({"speed": "store", "rows": rows, "megabytes": round(size / 1e6), **figures, "passed": passed}))


if __name__ == "__main__":
    main()
