"""Steady shuffled batches of 64: our loader beside that of genomic-benchmarks 1.0.0 and a bare NumPy gather.

    python speed/loader.py [--passes 25]

Three cases of 27,097 rows of random DNA: 251 bp; 251 bp with reverse-complement augmentation (beside the same bare
gather); 113 to 801 bp, right-padded. Upstream is its dataset class, per-token vocabulary and collate in a torch
DataLoader; "files" is how its users have it (one text file a row), "memory" grants it its rows in a list. The bare
gather is `take` of the same four arrays (codes, lengths, target, index) by slices of a permutation; where rows vary it
gathers the padded matrix. One pass is an epoch, the drawing of its permutation included (2,048 rows for upstream).
CPU time on one thread, sides alternated, least of all passes. Bars: 40 times upstream and .5 of bare; .3 of bare with
reverse complement; 25 times upstream where rows vary. Prints one JSON line.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from upstream import ask, environment, upstream_process, write_texts

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import open_split
from genolightning.data.loader import BatchLoader
from genolightning.genome.alphabet import N, decode

ROWS, BATCH = 27_097, 64
UPSTREAM_ROWS = 2_048


class Case(NamedTuple):
    """Random rows, and what is measured on them."""

    name: str
    shortest: int
    longest: int
    reverse_complement: bool


CASES = [
    Case("even", 251, 251, False),
    Case("reverse_complement", 251, 251, True),
    Case("varied", 113, 801, False),
]


def sequences(case: Case) -> list[str]:
    random = np.random.default_rng(0)
    lengths = random.integers(case.shortest, case.longest + 1, ROWS)
    letters = decode(random.integers(0, 4, int(lengths.sum())).astype(np.uint8))
    ends = lengths.cumsum()
    return [letters[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def our_side(case: Case, rows: list[tuple[str, str]], folder: Path) -> tuple[BatchLoader, Callable[[], None]]:
    csv = folder / f"{case.name}.csv"
    csv.write_text("sequence,label\n" + "".join(f"{sequence},{label}\n" for sequence, label in rows))
    table = ArraySource(open_split(LabelledTable(train=csv), "train"), strands=case.reverse_complement)
    loader = BatchLoader(table, batch_size=BATCH, shuffle=True, seed=1)

    def epoch() -> None:
        for _ in loader:
            pass

    return loader, epoch


def bare_side(table: ArraySource) -> Callable[[], None]:
    """Gather the same arrays as they stand in the table, without a batch around them."""
    arrays = table.row_arrays(np.arange(ROWS))
    codes, lengths, target, index = arrays.codes, arrays.lengths, arrays.target, arrays.index
    random = np.random.default_rng(1)

    def epoch() -> None:
        order = random.permutation(ROWS)
        for first in range(0, ROWS, BATCH):
            rows = order[first : first + BATCH]
            _ = codes.take(rows, 0), lengths.take(rows), target.take(rows), index.take(rows)

    return epoch


def seconds_a_row(epoch: Callable[[], None]) -> float:
    epoch()  # steady batches are meant: an epoch takes 3 ms, the side before it has left the caches to itself
    start = time.process_time()
    epoch()
    return (time.process_time() - start) / ROWS


def check(loader: BatchLoader, rows: list[tuple[str, str]]) -> None:
    """What is timed must be right: each row once an epoch, its own bases, padding behind them."""
    seen = []
    for batch in loader:
        for codes, length, index in zip(batch.codes.numpy(), batch.lengths, batch.index, strict=True):
            seen.append(int(index))
            if not loader.source.strands:
                assert decode(codes[:length]) == rows[seen[-1]][0]
            assert (codes[length:] == N).all()
    assert sorted(seen) == list(range(ROWS))


def measure(case: Case, passes: int, folder: Path) -> dict[str, float]:
    rows = [(sequence, "ab"[i % 2]) for i, sequence in enumerate(sequences(case))]
    loader, ours = our_side(case, rows, folder)
    check(loader, rows)
    bare = bare_side(loader.source)
    processes = {}
    if not case.reverse_complement:  # upstream has no augmentation
        write_texts(folder, case.name, "train", rows)
        padded = "even" if case.shortest == case.longest else "padded"
        processes = {
            kept: upstream_process("serve.py", case.name, UPSTREAM_ROWS, padded, kept, home=folder)
            for kept in ("files", "memory")
        }
    sides: dict[str, Callable[[], float]] = {"ours": lambda: seconds_a_row(ours), "bare": lambda: seconds_a_row(bare)}
    sides |= {f"upstream_{kept}": (lambda process=process: ask(process)) for kept, process in processes.items()}
    least = dict.fromkeys(sides, float("inf"))
    for _ in range(passes):
        for side, run in sides.items():
            least[side] = min(least[side], run())
    for process in processes.values():
        process.communicate()
    figures = {f"{side}_rows_per_s": round(1 / seconds) for side, seconds in least.items()}
    ratios = {f"times_{side}": least[side] / least["ours"] for side in least if side.startswith("upstream")}
    return (
        figures
        | {key: round(ratio, 2) for key, ratio in ratios.items()}
        | {"share_of_bare": round(least["bare"] / least["ours"], 3)}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=25)
    options = parser.parse_args()
    environment()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["GENOLIGHTNING_CACHE"] = str(folder / "cache")
        figures = {case.name: measure(case, options.passes, folder) for case in CASES}
    bars = {
        "even": {"times_upstream_files": 40, "share_of_bare": 0.5},
        "reverse_complement": {"share_of_bare": 0.3},
        "varied": {"times_upstream_files": 25},
    }
    print(json.dumps({"what": f"{ROWS} rows, batches of {BATCH}, one thread", **figures, "bars": bars}))


if __name__ == "__main__":
    sys.exit(main())
