"""Random windows from a 100 Mb FASTA: Genome.gather beside GenVarLoader's Reference and pyfaidx.

    python speed/genome.py [--passes 7] [--hg38]

Windows of 200 bp, 2 kb and 100 kb on the forward strand, 256 a call, random places in four chromosomes; every side gets
the same arrays of names, starts and ends. GenVarLoader 0.43.1 lives in an environment of its own and is asked twice, by
chromosome names and by its own numbers for them; the ratio is to the faster. `both_strands` is ours with half of the
windows on "-", which GenVarLoader's fetch does not offer. CPU time on one thread, warm cache, sides alternated, least
of all passes. Bar: at least GenVarLoader. `--hg38` adds a synthetic genome of 3.09 Gb with hg38's chromosome lengths,
in a temporary folder (6.5 GB, deleted afterwards): minutes to encode, peak memory (bar: 500 MB), windows/s. Prints one
JSON line.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from upstream import ONE_THREAD, SPEED, ask

from genolightning.genome.intervals import Intervals
from genolightning.genome.reference import Genome
from genolightning.paths import cache_dir

PACKAGE = "genvarloader==0.43.1"
BATCH = 256
WINDOWS = {200: 100 * BATCH, 2_000: 40 * BATCH, 100_000: 4 * BATCH}  # length in bp -> windows a pass
PYFAIDX_SHARE = 8  # pyfaidx gets every eighth window, for it is slow
SMALL = {f"chr{number}": 25_000_000 for number in range(1, 5)}
HG38 = {
    "chr1": 248956422, "chr2": 242193529, "chr3": 198295559, "chr4": 190214555, "chr5": 181538259,
    "chr6": 170805979, "chr7": 159345973, "chr8": 145138636, "chr9": 138394717, "chr10": 133797422,
    "chr11": 135086622, "chr12": 133275309, "chr13": 114364328, "chr14": 107043718, "chr15": 101991189,
    "chr16": 90338345, "chr17": 83257441, "chr18": 80373285, "chr19": 58617616, "chr20": 64444167,
    "chr21": 46709983, "chr22": 50818468, "chrX": 156040895, "chrY": 57227415, "chrM": 16569,
}  # fmt: skip


def write_synthetic(path: Path, lengths: dict[str, int], *, width: int = 60) -> None:
    """Random letters in lines of `width`; one block of 6 Mb, entered elsewhere by each record, repeats to save time."""
    lines = np.full((100_000, width + 1), ord("\n"), np.uint8)
    lines[:, :width] = np.random.default_rng(0).choice(np.frombuffer(b"ACGTacgt", np.uint8), (100_000, width))
    block = lines.tobytes()
    with open(path, "wb") as file:
        for number, (name, length) in enumerate(lengths.items()):
            file.write(f">{name}\n".encode())
            whole_lines, rest = divmod(length, width)
            left = whole_lines * (width + 1) + (rest + 1 if rest else 0)
            skip = number * 977 * (width + 1)
            while left > 0:
                piece = block[skip : skip + left]
                left -= file.write(piece)
                skip = 0
            if rest:
                file.seek(-1, os.SEEK_CUR)
                file.write(b"\n")


def draw(lengths: dict[str, int]) -> dict[int, Intervals]:
    """Random windows of each length, half of them on "-", none in the mitochondrion."""
    random = np.random.default_rng(1)
    names = np.array([name for name in lengths if lengths[name] > 1_000_000])
    sizes = np.array([lengths[name] for name in names])
    drawn = {}
    for length, count in WINDOWS.items():
        chrom = random.integers(0, len(names), count)
        start = (random.random(count) * (sizes[chrom] - length)).astype(np.int64)
        drawn[length] = Intervals(names[chrom], start, start + length, random.choice(["+", "-"], count))
    return drawn


def our_pass(genome: Genome, windows: Intervals) -> float:
    begin = time.process_time()
    for at in range(0, len(windows), BATCH):
        genome.gather(windows[at : at + BATCH])
    return time.process_time() - begin


def pyfaidx_pass(fasta: Any, windows: Intervals) -> float:
    rows = list(zip(windows.chrom.tolist(), windows.start.tolist(), windows.end.tolist(), strict=True))
    begin = time.process_time()
    for chrom, start, end in rows[::PYFAIDX_SHARE]:
        str(fasta[chrom][start:end])
    return (time.process_time() - begin) * len(rows) / len(rows[::PYFAIDX_SHARE])


def twice(one_pass: Callable[..., float], *arguments: Any) -> float:
    """The lesser of two passes in a row, so that no side finds the processor's cache filled by another's pass alone."""
    return min(one_pass(*arguments), one_pass(*arguments))


def forward(windows: Intervals) -> Intervals:
    return Intervals(windows.chrom, windows.start, windows.end)


def genvarloader(fasta: Path, drawn: dict[int, Intervals], folder: Path) -> subprocess.Popen[str] | str:
    """The running reference process, or why there is none."""
    home = cache_dir() / "speed" / PACKAGE.replace("==", "-")
    python = home / "bin" / "python"
    try:
        if not (home / "whole").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True, stdout=sys.stderr)
            subprocess.run([str(python), "-m", "pip", "install", "-qq", PACKAGE], check=True, stdout=sys.stderr)
            (home / "whole").touch()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{PACKAGE} could not be installed: {error}"
    arrays: dict[str, Any] = {"batch": BATCH}
    for length, windows in drawn.items():
        arrays |= {f"chrom_{length}": windows.chrom, f"start_{length}": windows.start}
    np.savez(folder / "windows.npz", **arrays)
    process = subprocess.Popen(
        [str(python), str(SPEED / "reference" / "genvarloader_fetch.py"), str(fasta), str(folder / "windows.npz")],
        env=os.environ | ONE_THREAD | {"NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process if process.stdout.readline() == "ready\n" else f"{PACKAGE} could not be imported"


def compare(passes: int, folder: Path) -> dict[str, Any]:
    from pyfaidx import Fasta

    fasta, drawn = folder / "synthetic.fa", draw(SMALL)
    write_synthetic(fasta, SMALL)
    begin = time.process_time()
    genome = Genome(fasta, cache=folder / "genomes")
    result: dict[str, Any] = {"encode_s_per_100_mb": round(time.process_time() - begin, 2), "windows_per_s": {}}
    rival = genvarloader(fasta, drawn, folder)
    letters = Fasta(str(fasta), as_raw=True)
    for length, windows in drawn.items():
        seconds: dict[str, list[float]] = {}
        for number in range(passes + 1):
            took = {
                "ours": twice(our_pass, genome, forward(windows)),
                "both_strands": twice(our_pass, genome, windows),
                "pyfaidx": pyfaidx_pass(letters, windows),
            }
            if not isinstance(rival, str):
                took["genvarloader_names"] = twice(ask, rival, f"{length} names")
                took["genvarloader_numbers"] = twice(ask, rival, f"{length} numbers")
            for side, value in took.items() if number else ():  # the first pass warms up
                seconds.setdefault(side, []).append(value)
        rates = {side: round(len(windows) / min(values)) for side, values in seconds.items()}
        rivals = [rate for side, rate in rates.items() if side.startswith("genvarloader")] or [rates["pyfaidx"]]
        result["windows_per_s"][length] = rates | {"ratio": round(rates["ours"] / max(rivals), 2)}
    result["reference"] = f"pyfaidx, as {rival}" if isinstance(rival, str) else PACKAGE
    if not isinstance(rival, str):
        rival.kill()
        rival.wait()
    return result


def hg38_child(fasta: Path, cache: Path) -> dict[str, Any]:
    """Encode and gather in a fresh process; peak memory is read before gathers map the genome's pages into it."""
    begin, cpu = time.monotonic(), time.process_time()
    genome = Genome(fasta, cache=cache)
    result: dict[str, Any] = {
        "gigabases": round(sum(genome.lengths.values()) / 1e9, 3),
        "encode_minutes": round((time.monotonic() - begin) / 60, 2),
        "encode_cpu_s": round(time.process_time() - cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    begin = time.monotonic()
    Genome(fasta, cache=cache)
    result["open_again_s"] = round(time.monotonic() - begin, 4)
    for length, windows in draw(HG38).items():
        first = our_pass(genome, forward(windows))
        again = min(our_pass(genome, forward(windows)) for _ in range(3))
        rates = {"first_touch": round(len(windows) / first), "warm": round(len(windows) / again)}
        result[f"windows_per_s_{length}"] = rates
    return result


def hg38(folder: Path) -> dict[str, Any]:
    if (free := shutil.disk_usage(folder).free) < 8e9:
        return {"skipped": f"{free / 1e9:.1f} GB free in {folder}, 8 wanted; set TMPDIR"}
    fasta = folder / "hg38.fa"
    write_synthetic(fasta, HG38)
    command = [sys.executable, __file__, "--hg38-child", str(fasta), str(folder / "hg38_genomes")]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def passed(result: dict[str, Any]) -> bool:
    ratios: Iterable[float] = (rates["ratio"] for rates in result["windows_per_s"].values())
    return min(ratios) >= 1 and result.get("hg38", {}).get("peak_mb", 0) < 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=7)
    parser.add_argument("--hg38", action="store_true", help="also encode a synthetic genome of hg38's size")
    parser.add_argument("--hg38-child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hg38_child:
        print(json.dumps(hg38_child(*options.hg38_child)))
        return
    with tempfile.TemporaryDirectory() as name:
        result = compare(options.passes, Path(name))
        if options.hg38:
            result["hg38"] = hg38(Path(name))
    print(json.dumps({"speed": "genome", **result, "passed": passed(result)}))


if __name__ == "__main__":
    main()
