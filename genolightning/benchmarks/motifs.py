"""Motifs, the embedded datasets: planted DNA motifs whose truth is known, made in a second and without a download.

A generator writes a small genome, interval tables in the layout of the Genomic Benchmarks, and a BED of every planted
motif; from there on the rows take the same path as real ones. The motifs are core sites of human transcription
factors; SOX2 and OCT4 bind DNA as a pair whose spacing matters (Reményi et al., Genes Dev. 17:2048, 2003).
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.errors import UserError, check_integer
from genolightning.genome.alphabet import decode, reverse_complement
from genolightning.genome.codes import encode
from genolightning.genome.intervals import Intervals, read_bed
from genolightning.storage.cache import cache_path, make_folder_once
from genolightning.storage.checksums import sha256

MOTIFS = {"SOX2": "CATTGTTC", "OCT4": "ATGCAAAT", "GATA1": "AGATAAGG", "TEAD": "ACATTCCA", "ETS": "CCGGAAGT"}
PAIR = ("SOX2", "OCT4")
MOTIF_BP = 8
CLOSE_BP = (3, 4, 5)  # bases between the pair in a positive row
FAR_BP = tuple(range(12, 31))  # and in a negative one
ANY_BP = tuple(range(31))  # where the spacing itself is the target
WINDOW_BP = 200
MARGIN_BP = 40  # a pair keeps away from the window's ends, as the middle of a peak does
STRETCHES, STRETCH_BP = 7, 25  # of single motifs there is at most one in each stretch of a window
SLOT_BP = 240  # distance between the starts of windows on their chromosome
ROWS = {"train": 6000, "test": 1500}
CHROMOSOME_ROWS = 1500  # train is chr1 to chr4, test is chr5: no stretch is in both
WRITER = 1  # counts up when the same parameters come to write other files


class Sites(NamedTuple):
    """Planted motifs as columns; every motif is MOTIF_BP long and reads in its window's own direction."""

    window: NDArray[np.int64]  # (sites,) number of the window
    start: NDArray[np.int64]  # (sites,) its first base, counted in the window's own direction
    name: NDArray[Any]  # (sites,) str


class Motifs(IntervalTables):
    """Planted motifs as a benchmark: 6,000 training and 1,500 test rows of 200 bp, on both strands.

    By `kind`: binary, a pair of motifs is close (positive) or far apart (negative), all else being equal;
    regression, the bases between the pair; multilabel, which of the motifs in `classes` are there; binary with
    `resolution_bp=1`, which bases belong to a motif. Another `generator_seed` makes another genome.
    """

    def __init__(
        self,
        *,
        name: str = "motifs",
        kind: str = "binary",
        classes: Sequence[str] = ("negative", "positive"),
        resolution_bp: int | None = None,
        generator_seed: int = 1,
    ) -> None:
        if kind not in ("binary", "multilabel", "regression") or resolution_bp not in (None, 1):
            raise UserError(f"{name}: wanted dataset.kind binary, multilabel or regression, and no resolution_bp but 1")
        if kind == "multilabel" and (strange := set(classes) - set(MOTIFS)):
            raise UserError(f"dataset.classes: no motif is called {strange.pop()!r}; there are {', '.join(MOTIFS)}")
        check_integer("dataset.generator_seed", generator_seed, 0)
        self._seed = generator_seed
        self._scattered = list(classes) if kind == "multilabel" else list(MOTIFS) if resolution_bp else []
        tables = ["windows"] if kind != "binary" or resolution_bp else ["negative", "positive"]
        recipe = {"writer": WRITER, "seed": generator_seed, "scattered": self._scattered, "tables": tables}
        self.root = cache_path("motifs", recipe)
        folder, genome = self.root / "genomic_benchmarks" / "motifs", self.root / "genomes" / "motifs.fa"
        super().__init__(name=name, folder=folder, kind=kind, classes=classes, assembly="motifs", genome=genome)
        self.tables, self.resolution_bp = tables, resolution_bp

    def prepare(self) -> None:
        """Write genome, tables and BED where the cache has none."""
        make_folder_once(
            self.root,
            lambda draft: _write(draft, np.random.default_rng(self._seed), self.tables, self._scattered),
        )

    def sha256(self, split: str) -> dict[str, str]:
        """Tables, genome and BED -> their sha256, the same wherever they are written."""
        self.prepare()
        return super().sha256(split) | {"motifs.bed": sha256(self.root / "motifs.bed")}

    def rows(self, split: str) -> Rows:
        """Read one split; for the target of a variant, the BED as well."""
        self.prepare()
        return super().rows(split)

    def table_files(self, split: str) -> dict[str, Path] | None:
        """Table -> its file."""
        self.prepare()
        return super().table_files(split)

    def references(self) -> list[Path]:
        """The FASTA of the generated genome."""
        self.prepare()
        return super().references()

    def sites(self, windows: Intervals) -> Sites:
        """The planted motifs inside some windows of this genome, e.g. to score attributions."""
        return _sites_within(self.root / "motifs.bed", windows)

    def _target(self, intervals: list[Intervals]) -> NDArray[Any]:
        if len(self.tables) == 2:
            return super()._target(intervals)
        (windows,) = intervals
        sites = self.sites(windows)
        if self.kind == "multilabel":
            target = np.zeros((len(windows), len(self.classes)), np.int64)
            target[sites.window, [self.classes.index(name) for name in sites.name]] = 1
            return target
        if self.kind == "regression":
            return _spacing(sites, len(windows))
        target = np.zeros((len(windows), WINDOW_BP), np.int64)
        target[sites.window[:, None], sites.start[:, None] + np.arange(MOTIF_BP)] = 1
        return target


def _write(root: Path, random: np.random.Generator, tables: list[str], scattered: list[str]) -> None:
    count = sum(ROWS.values())
    table = np.concatenate([random.permutation(rows) % len(tables) for rows in ROWS.values()])
    if scattered:
        sites = _scatter(random, count, scattered)
    elif len(tables) == 2:
        sites = _pairs(random, np.where(table == 1, random.choice(CLOSE_BP, count), random.choice(FAR_BP, count)))
    else:
        sites = _pairs(random, random.choice(ANY_BP, count))
    backward = random.random(count) < 0.5
    slots = _background(random, count)
    windows = slots[:, (SLOT_BP - WINDOW_BP) // 2 :][:, :WINDOW_BP]
    spelled = dict(zip(MOTIFS, encode(MOTIFS.values()), strict=True))
    windows[sites.window[:, None], sites.start[:, None] + np.arange(MOTIF_BP)] = [spelled[name] for name in sites.name]
    windows[backward] = reverse_complement(windows[backward])

    place = np.arange(count)
    chrom = np.char.add("chr", (place // CHROMOSOME_ROWS + 1).astype(str))
    start = place % CHROMOSOME_ROWS * SLOT_BP + (SLOT_BP - WINDOW_BP) // 2
    strand = np.where(backward, "-", "+")
    _write_fasta(root / "genomes" / "motifs.fa", slots)
    _write_tables(
        root / "genomic_benchmarks" / "motifs", tables, table, Intervals(chrom, start, start + WINDOW_BP, strand)
    )
    _write_bed(root / "motifs.bed", sites, Intervals(chrom, start, start + WINDOW_BP, strand))


def _background(random: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Random bases (count, SLOT_BP) whose GC varies from window to window as it does along a genome."""
    gc = random.normal(0.45, 0.06, count).clip(0.25, 0.7)[:, None]
    strong = random.random((count, SLOT_BP), np.float32) < gc
    either = random.integers(0, 2, (count, SLOT_BP), np.uint8)
    return np.where(strong, 1 + either, 3 * either).astype(np.uint8)  # C G, else A T


def _pairs(random: np.random.Generator, spacing: NDArray[np.int64]) -> Sites:
    """One pair a window, in the order of PAIR, with so many bases between."""
    first = random.integers(MARGIN_BP, WINDOW_BP - MARGIN_BP - 2 * MOTIF_BP - spacing + 1)
    window = np.arange(len(spacing))
    start = np.stack([first, first + MOTIF_BP + spacing], axis=1)
    return Sites(window.repeat(2), start.ravel(), np.tile(PAIR, len(spacing)))


def _scatter(random: np.random.Generator, count: int, names: list[str]) -> Sites:
    """Each motif in half of the windows, anywhere, none over another."""
    stretch = random.permuted(np.tile(np.arange(STRETCHES), (count, 1)), axis=1)[:, : len(names)]
    first = random.integers(0, WINDOW_BP - STRETCHES * STRETCH_BP + 1, (count, 1))
    start = first + stretch * STRETCH_BP + random.integers(0, STRETCH_BP - MOTIF_BP + 1, stretch.shape)
    window, motif = np.nonzero(random.random(stretch.shape) < 0.5)
    return Sites(window, start[window, motif], np.array(names)[motif])


def _write_fasta(path: Path, slots: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w") as out:
        for number, first in enumerate(range(0, len(slots), CHROMOSOME_ROWS), 1):
            letters = decode(slots[first : first + CHROMOSOME_ROWS].ravel())
            out.write(f">chr{number}\n")
            out.writelines(f"{letters[i : i + 60]}\n" for i in range(0, len(letters), 60))


def _write_tables(folder: Path, tables: list[str], table: NDArray[np.int64], windows: Intervals) -> None:
    columns = zip(windows.chrom, windows.start, windows.end, _strands(windows), strict=True)
    lines = np.array([f"{i},{','.join(map(str, row))}\n" for i, row in enumerate(columns)])
    split = np.repeat(list(ROWS), list(ROWS.values()))
    for name in ROWS:
        (folder / name).mkdir(parents=True)
        for i, label in enumerate(tables):
            text = "id,region,start,end,strand\n" + "".join(lines[(split == name) & (table == i)])
            # no time in the header: the same seed must write the same bytes
            (folder / name / f"{label}.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    entries = "".join(f"  {label}:\n    type: fa\n    url: genomes/motifs.fa\n" for label in tables)
    (folder / "metadata.yaml").write_text(f"version: 0\nclasses:\n{entries}")


def _write_bed(path: Path, sites: Sites, windows: Intervals) -> None:
    """BED6 of every motif on the genome's forward coordinates; the name carries the site's number: SOX2_17."""
    backward = (_strands(windows) == "-")[sites.window]
    from_left = np.where(backward, WINDOW_BP - sites.start - MOTIF_BP, sites.start)
    start = windows.start[sites.window] + from_left
    columns = zip(windows.chrom[sites.window], start, sites.name, np.where(backward, "-", "+"), strict=True)
    lines = (
        f"{chrom}\t{a}\t{a + MOTIF_BP}\t{name}_{i}\t0\t{strand}\n" for i, (chrom, a, name, strand) in enumerate(columns)
    )
    path.write_text("".join(lines))


def _sites_within(bed: Path, windows: Intervals) -> Sites:
    table = read_bed(bed)
    found = table.intervals
    chromosomes = {name: i for i, name in enumerate(np.unique(np.concatenate([found.chrom, windows.chrom])))}

    def along(intervals: Intervals) -> NDArray[np.int64]:
        return np.array([chromosomes[name] for name in intervals.chrom]) * 10**9 + intervals.start

    order = np.argsort(along(windows))
    before = np.searchsorted(along(windows)[order], along(found), "right") - 1
    window = order[before.clip(min=0)]
    inside = (before >= 0) & (along(found) - along(windows)[window] <= windows.lengths[window] - found.lengths)
    window, found = window[inside], found[inside]
    backward = (_strands(windows) == "-")[window]
    start = np.where(backward, windows.end[window] - found.end, found.start - windows.start[window])
    return Sites(window, start, np.array([name.rsplit("_", 1)[0] for name in table.ids[inside]]))


def _spacing(sites: Sites, windows: int) -> NDArray[np.float32]:
    """Bases between the first and the last motif of each window, (windows,)."""
    first, last = np.full(windows, WINDOW_BP), np.zeros(windows, np.int64)
    np.minimum.at(first, sites.window, sites.start + MOTIF_BP)
    np.maximum.at(last, sites.window, sites.start)
    return np.asarray(last - first, np.float32)


def _strands(intervals: Intervals) -> NDArray[Any]:
    return np.full(len(intervals), "+") if intervals.strand is None else intervals.strand
