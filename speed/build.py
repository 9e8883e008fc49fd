"""A dataset from positives and a genome: `datasets build` beside loc2seq of genomic-benchmarks 1.0.0.

    python speed/build.py [--passes 3]

15,000 positives of 251 bp on both strands in a gzipped FASTA of 50 Mb in ten records. The package draws no negatives
and makes no split; what it offers for the tables that come out is loc2seq, which reads the FASTA into strings, cuts all
30,000 rows and writes one text file a row. Ours opens the genome, draws a negative for each positive, splits, writes
tables and checksums (`build`), and then gathers the base codes of all rows, as loc2seq cuts them (`with_rows`);
`matched` draws negatives of like GC on the positive's chromosome. Cold encodes the genome first, warm finds it in the
cache. Every pass is a fresh process on one thread, imports not timed on either side; CPU time, sides alternated, least
of all passes. Every sequence is compared once. Bars, for `with_rows`: 3 times cold, 10 times warm. Prints one JSON
line.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from intervals import CLASSES, SPLITS, measured, write_inputs
from upstream import SPEED, environment

from genolightning.benchmarks.build.dataset import build, write_tables
from genolightning.genome.alphabet import decode
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.reference import Genome

BAR_COLD, BAR_WARM = 3, 10
WORK = ("build", "with_rows", "matched")


def positives(folder: Path) -> Intervals:
    return Intervals.concat(
        [read_gb_table(folder / "dataset" / split / "positive.csv.gz").intervals for split in SPLITS]
    )


def our_child(work: str, folder: Path, cache: Path, out: Path) -> None:
    """Build into `out`: print CPU seconds and peak MB."""
    import filelock  # noqa: F401 (imports are not timed)

    given = positives(folder)
    begin = time.process_time()
    genome = Genome(folder / "references" / "genome.fa.gz", cache=cache)
    built = build(given, genome, match=("gc", "chromosome") if work == "matched" else ())
    write_tables(built, out, list(CLASSES), "http://localhost/genome.fa.gz")
    if work == "with_rows":
        for rows in (built.positives, built.negatives):
            genome.gather(rows)
    print(time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def same(folder: Path, ours: Path, theirs: Path) -> bool:
    """Whether every text file of theirs is our sequence of that row."""
    genome = Genome(folder / "references" / "genome.fa.gz", cache=folder / "cache")
    for table in (Path(split) / name for split in SPLITS for name in CLASSES):
        rows = read_gb_table(ours / f"{table}.csv.gz")
        for row, codes in zip(rows.ids.tolist(), genome.gather(rows.intervals), strict=True):
            if (theirs / table / f"{row}.txt").read_text() != decode(codes):
                return False
    return True


def compare(passes: int, folder: Path) -> dict[str, Any]:
    write_inputs(folder)
    cache, built = folder / "cache", folder / "built"

    def ours(work: str, *, cold: bool = False) -> tuple[float, float]:
        shutil.rmtree(built, ignore_errors=True)
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        return measured([sys.executable, __file__, "--child", work, folder, cache, built], home=folder)

    taken: dict[str, list[tuple[float, float]]] = {side: [] for side in ("cold", *WORK, "loc2seq")}
    told: dict[str, Any] = {"positives": len(positives(folder)), "rows": 2 * len(positives(folder))}
    for _ in range(passes):
        taken["cold"].append(ours("with_rows", cold=True))
        for work in WORK:
            taken[work].append(ours(work))
        try:
            theirs = [environment(), SPEED / "reference" / "loc2seq.py", built, folder / "references", folder / "out"]
            taken["loc2seq"].append(measured(theirs, home=folder))
        except (OSError, subprocess.CalledProcessError) as error:
            told["reference"] = f"could not be run: {error}"
    told["cpu_s"] = least = {side: round(min(one for one, _ in runs), 3) for side, runs in taken.items() if runs}
    told["peak_mb"] = {side: round(max(peak for _, peak in runs)) for side, runs in taken.items() if runs}
    if "loc2seq" in least:
        told["ratio_cold"] = round(least["loc2seq"] / least["cold"], 1)
        told["ratio_warm"] = round(least["loc2seq"] / least["with_rows"], 1)
        told["same"] = same(folder, built, folder / "out" / "built")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        our_child(options.child[0], *map(Path, options.child[1:]))
        return
    with tempfile.TemporaryDirectory() as name:
        found = compare(options.passes, Path(name))
    passed = (
        found.get("same", True)
        and found.get("ratio_cold", BAR_COLD) >= BAR_COLD
        and found.get("ratio_warm", BAR_WARM) >= BAR_WARM
    )
    print(json.dumps({"speed": "build", **found, "passed": passed}))


if __name__ == "__main__":
    main()
