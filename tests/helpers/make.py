"""Writes the tiny genome, tables, BED and FASTA that tests read; `python tests/data/make.py FOLDER` shows them."""

import gzip
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

GB_HEADER = "id,region,start,end,strand"


def sequence(length: int, *, seed: int = 0, letters: str = "ACGT") -> str:
    """Random letters, the same for the same seed."""
    return "".join(np.random.default_rng(seed).choice(list(letters), length))


def tiny_genome() -> dict[str, str]:
    """About 2 kb: two chromosomes with soft-masked and N stretches, a mitochondrion, a transcript with a version."""
    return {
        "chr1": sequence(700, seed=1) + sequence(60, seed=2).lower() + "NNNNRYSWKM" + sequence(230, seed=3),
        "chr2": sequence(600, seed=4, letters="acgtACGTN"),
        "chrM": sequence(120, seed=5),
        "ENST00000217185.11": sequence(333, seed=6),
    }


def write(path: Path, text: str | bytes) -> Path:
    """Write a file, gzipped where its name ends in .gz; makes the folder."""
    data = text.encode() if isinstance(text, str) else text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def write_fasta(path: Path, records: Mapping[str, str] | None = None, *, width: int = 60, newline: str = "\n") -> Path:
    """Write records (name -> letters; default: the tiny genome) in lines of `width`, each header with a comment."""
    lines = []
    for name, letters in (tiny_genome() if records is None else records).items():
        lines.append(f">{name} made for tests")
        lines.extend(letters[at : at + width] for at in range(0, len(letters), width))
    return write(path, newline.join(lines) + newline)


def write_bgzip(path: Path, text: str, *, block: int = 500) -> Path:
    """Write text as bgzip does: many gzip members end to end, closed by an empty one."""
    data = text.encode()
    members = [data[at : at + block] for at in range(0, len(data), block)] + [b""]
    path.write_bytes(b"".join(gzip.compress(member, mtime=0) for member in members))
    return path


def write_gb_table(path: Path, rows: Iterable[tuple[str, int, int, str]], *, ids: Iterable[str] | None = None) -> Path:
    """Write (region, start, end, strand) rows as a Genomic Benchmarks class file; ids are row numbers unless given."""
    rows = list(rows)
    names = list(ids) if ids is not None else [str(number) for number in range(len(rows))]
    lines = [",".join(map(str, (name, *row))) for name, row in zip(names, rows, strict=True)]
    return write(path, "\n".join([GB_HEADER, *lines]) + "\n")


def write_bed(path: Path, rows: Iterable[tuple]) -> Path:
    """Write rows of three to six BED columns, tab-separated."""
    return write(path, "".join("\t".join(map(str, row)) + "\n" for row in rows))


def plain_slice(records: Mapping[str, str], chrom: str, start: int, end: int, strand: str = "+") -> str:
    """What an interval reads, in plain Python over strings: upper case, everything but ACGT as N."""
    swap = {"A": "T", "C": "G", "G": "C", "T": "A"}
    letters = [letter if letter in swap else "N" for letter in records[chrom][start:end].upper()]
    if strand == "-":
        letters = [swap.get(letter, "N") for letter in reversed(letters)]
    return "".join(letters)


def write_gb_dataset(
    folder: Path, classes: Iterable[str] = ("negative", "positive"), *, rows: int = 20, seed: int = 0
) -> Path:
    """Write train and test class files of 50 bp intervals on chr1 and chr2 of the tiny genome, both strands."""
    rng = np.random.default_rng(seed)
    for split in ("train", "test"):
        for name in classes:
            starts = rng.integers(0, 500, rows).tolist()
            table = [(f"chr{1 + at % 2}", at, at + 50, "+-"[at // 2 % 2]) for at in starts]
            write_gb_table(folder / split / f"{name}.csv.gz", table)
    return folder


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_fasta(target / "tiny.fa.gz")
    write_gb_dataset(target / "genomic_benchmarks" / "tiny")
    write_bed(target / "tiny.bed", [("chr1", 10, 60, "first", 0, "+"), ("2", 5, 55, "second", 0, "-")])


def noisy_table(path: Path, rows: int = 150, length: int = 60) -> Path:
    """A labelled table whose classes a model can almost tell apart: class 1 is somewhat richer in A."""
    random = np.random.default_rng(1)
    lines = ["sequence,label"]
    for number in range(rows):
        odds = [0.34, 0.22, 0.22, 0.22] if number % 2 else [0.25] * 4
        lines.append("".join(random.choice(list("ACGT"), length, p=odds)) + f",{number % 2}")
    return write(path, "\n".join(lines) + "\n")
