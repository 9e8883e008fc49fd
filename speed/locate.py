"""Sequences to coordinates: `locate` beside seq2loc of genomic-benchmarks 1.0.0.

    python speed/locate.py [--passes 3] [--small]

Large, ours alone: 36,131 sequences of 251 bp, both strands, against a random genome of 100 Mb in four records; the bar
is a minute on one core. Theirs holds a Python dict for every base of every sequence, so the two meet on a smaller
input: 1,000 sequences of 251 bp and 2 Mb; the bar is a ratio of 20. The genome is encoded, or read into strings, before
the clock starts; CPU time on one thread, theirs one pass, ours the least of all. What both find is compared. Prints one
JSON line.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from upstream import ONE_THREAD, SPEED, environment

from genolightning.genome.alphabet import decode
from genolightning.genome.codes import Codes
from genolightning.genome.intervals import Intervals
from genolightning.genome.locate import Located, locate
from genolightning.genome.reference import Genome

WINDOW_BP = 251
LARGE, SMALL = (36_131, 25_000_000), (1_000, 500_000)  # sequences, bp of each of four records
BAR_S, BAR_RATIO = 60, 20


def inputs(folder: Path, count: int, record_bp: int) -> tuple[Genome, Intervals]:
    """A random genome, and intervals of it on both strands."""
    random = np.random.default_rng(count)
    fasta = folder / f"genome_{record_bp}.fa"
    with open(fasta, "wb") as file:
        for number in range(4):
            letters = random.choice(np.frombuffer(b"ACGT", np.uint8), record_bp).tobytes()
            file.write(b">chr%d\n%s\n" % (number + 1, letters))
    start = random.integers(0, record_bp - WINDOW_BP, count)
    chrom = np.array([f"chr{number}" for number in random.integers(1, 5, count)])
    there = Intervals(chrom, start, start + WINDOW_BP, random.choice(["+", "-"], count))
    return Genome(fasta, cache=folder / "cache"), there


def our_pass(genome: Genome, codes: Codes) -> tuple[float, Located]:
    begin = time.process_time()
    located = locate(codes, genome)
    return time.process_time() - begin, located


def same(located: Located, there: Intervals) -> bool:
    back = located.intervals
    return len(back) == len(there) and all(
        bool((getattr(back, column) == getattr(there, column)).all()) for column in ("chrom", "start", "end", "strand")
    )


def their_pass(genome: Genome, codes: Codes, there: Intervals, folder: Path) -> tuple[float, bool]:
    queries = folder / "queries.fa"
    queries.write_text("".join(f">{row}\n{decode(one)}\n" for row, one in enumerate(codes)))
    command = [str(environment()), str(SPEED / "reference" / "seq2loc.py"), str(queries), str(genome.fasta)]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    seconds, found = done.stdout.strip().splitlines()[-1].split(" ", 1)
    rows = json.loads(found)
    columns = (there.chrom, there.start, there.end, there.strand)
    ours = {
        str(row): list(place) for row, place in enumerate(zip(*(column.tolist() for column in columns), strict=True))
    }
    return float(seconds), rows == ours


def compared(folder: Path, passes: int) -> dict[str, Any]:
    genome, there = inputs(folder, *SMALL)
    codes = genome.gather(there)
    runs = [our_pass(genome, codes) for _ in range(passes)]
    ours = min(seconds for seconds, _ in runs)
    result: dict[str, Any] = {"sequences": SMALL[0], "bases": 4 * SMALL[1], "ours_cpu_s": round(ours, 3)}
    try:
        theirs, agree = their_pass(genome, codes, there, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        return result | {"reference": f"could not be run: {error}"}
    result |= {"theirs_cpu_s": round(theirs, 2), "ratio": round(theirs / ours, 1)}
    return result | {"same": agree and same(runs[0][1], there)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="leave the 100 Mb genome out")
    options = parser.parse_args()
    result: dict[str, Any] = {"speed": "locate"}
    with tempfile.TemporaryDirectory() as name:
        result["beside_seq2loc"] = beside = compared(Path(name), options.passes)
        passed = beside.get("same", True) and beside.get("ratio", BAR_RATIO) >= BAR_RATIO
        if not options.small:
            genome, there = inputs(Path(name), *LARGE)
            seconds, located = our_pass(genome, genome.gather(there))
            result["large"] = {"sequences": LARGE[0], "bases": 4 * LARGE[1], "cpu_s": round(seconds, 2)}
            passed = passed and seconds < BAR_S and same(located, there)
    print(json.dumps({**result, "passed": passed}))


if __name__ == "__main__":
    main()
