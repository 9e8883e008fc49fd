"""The audit's costs: near-duplicates of 300,000 sequences of 400 bp, and the interval part of a published dataset.

    python speed/audit.py [--rows 300000]

The rows are random, the last sixth are copies of the first sixth at 90 % identity, every other copy from the other
strand; how many of the planted pairs are found is counted. Bars: five minutes on two cores (this is one), 4 GB of peak
memory, imports included, 95 % found. With GENOLIGHTNING_DATA the audit of human_ensembl_regulatory (289,061 intervals)
from its tables is timed as well. No other package offers either, so there is no ratio. Prints one JSON line.
"""

import argparse
import json
import os
import resource
import time
from typing import Any

import numpy as np
from upstream import REPOSITORY  # noqa: F401 (puts the checkout on the path)

from genolightning.benchmarks.audit.leakage import audit
from genolightning.benchmarks.audit.near_duplicates import near_duplicate_pairs
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.genome.alphabet import reverse_complement
from genolightning.genome.codes import Codes
from genolightning.paths import data_root

LENGTH_BP, IDENTITY = 400, 0.9
BAR_S, BAR_MB, BAR_FOUND = 300, 4096, 0.95


def planted(rows: int) -> tuple[Codes, int]:
    """Random rows, the last sixth of which are changed copies of the first sixth; and how many those are."""
    random = np.random.default_rng(0)
    matrix = random.integers(0, 4, (rows, LENGTH_BP), dtype=np.uint8)
    copies = rows // 6
    places = np.argsort(random.random((copies, LENGTH_BP), dtype=np.float32), axis=1)[
        :, : round(LENGTH_BP * (1 - IDENTITY))
    ]
    changed = matrix[:copies].copy()
    row = np.arange(copies)[:, None]
    changed[row, places] = (changed[row, places] + random.integers(1, 4, places.shape)) % 4
    changed[::2] = reverse_complement(changed[::2])
    matrix[rows - copies :] = changed
    return Codes(matrix.reshape(-1), np.arange(rows + 1, dtype=np.int64) * LENGTH_BP), copies


def near(rows: int) -> dict[str, Any]:
    codes, copies = planted(rows)
    begin, cpu = time.monotonic(), time.process_time()
    found = near_duplicate_pairs(codes)
    true = int((found.second - found.first == rows - copies).sum())
    return {
        "rows": rows,
        "wall_s": round(time.monotonic() - begin, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "planted": copies,
        "found": round(true / copies, 4),
        "others": len(found.first) - true,
    }


def intervals() -> dict[str, Any]:
    name, classes = "human_ensembl_regulatory", ["enhancer", "ocr", "promoter"]
    if not (data_root() / "genomic_benchmarks" / name).is_dir():
        return {"skipped": f"no {name} in {data_root()}; set GENOLIGHTNING_DATA"}
    tables = IntervalTables(name=name, folder=name, kind="multiclass", classes=classes, assembly="GRCh38")
    begin = time.process_time()
    found = audit(tables)
    return {"dataset": name, "cpu_s": round(time.process_time() - begin, 1), "length_accuracy": found.length_accuracy}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pairs = near(options.rows)
    passed = pairs["wall_s"] < BAR_S and pairs["peak_mb"] < BAR_MB and pairs["found"] >= BAR_FOUND
    print(json.dumps({"speed": "audit", "near_duplicates": pairs, "intervals": intervals(), "passed": passed}))


if __name__ == "__main__":
    main()
