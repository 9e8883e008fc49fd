"""A new dataset of interval tables: positives, drawn negatives, a split without shared loci, a card."""

import gzip
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.build.negatives import content, draw_negatives
from genolightning.benchmarks.card import shape_of
from genolightning.errors import OutOfChromosome, UserError
from genolightning.genome.chromosome_names import aliases, common_name, nearest
from genolightning.genome.intervals import GB_COLUMNS, Intervals
from genolightning.genome.overlaps import cluster_overlapping, linearize
from genolightning.genome.reference import Genome
from genolightning.paths import data_root
from genolightning.storage.atomic import atomic_folder, atomic_write
from genolightning.storage.checksums import sha256

SPLITS = ("random", "chromosome")
MATCHES = ("gc", "chromosome")
TRIES = 500  # ways to choose test chromosomes

Mask = NDArray[np.bool_]


class Built(NamedTuple):
    """A dataset before it is written. Row i of the negatives was drawn for row i of the positives."""

    positives: Intervals
    negatives: Intervals
    in_test: tuple[Mask, Mask]  # of the positives, of the negatives
    dropped: dict[str, int]  # reason -> positives left out


def build(
    positives: Intervals,
    genome: Genome,
    *,
    avoid: Intervals | None = None,
    length_bp: int | None = None,
    match: Collection[str] = (),
    max_n: float = 0.1,
    split: str = "random",
    test_fraction: float = 0.2,
    seed: int = 1,
) -> Built:
    """Draw a negative for each distinct positive and split both.

    With `length_bp` each positive becomes the window of that length round its middle. Positives that repeat an earlier
    one, that have more N than `max_n`, or whose window leaves the chromosome are left out and counted. Negatives stay
    clear of `avoid` too (details: `draw_negatives`); a positive without a negative is left out as well. A `random`
    split keeps positives that share a base on one side, and a negative on the side of its positive; `chromosome` holds
    whole chromosomes out for test.

    Raises OutOfChromosome for a positive that the genome lacks, UserError where no space is left for negatives, or for
    a split that leaves a side without a class.
    """
    _check(match, max_n, split, test_fraction, length_bp)
    dropped: dict[str, int] = {}
    positives = _spelled(positives, genome)
    if (outside := genome.placement(positives) > 0).any():
        raise OutOfChromosome(
            f"{positives.describe(int(np.argmax(outside)))} lies outside its chromosome in {genome.fasta}; "
            "name the genome that the positives were made on with --genome FASTA"
        )
    if length_bp is not None:
        middle = (positives.start + positives.end) // 2
        start = middle - length_bp // 2
        windows = Intervals(positives.chrom, start, start + length_bp, positives.strand)
        positives = _keep(windows, genome.placement(windows) == 0, "window leaves the chromosome", dropped)
    positives = _keep(positives, _first_of_each(positives), "repeats an earlier one", dropped)
    if len(positives):
        positives = _keep(positives, content(genome.gather(positives)).n <= max_n, "more N than --max-n", dropped)
    if not len(positives):
        raise UserError(f"no positive is left ({dropped}); raise --max-n, or choose another --length")
    nothing = Intervals.concat([])
    negatives, rows = draw_negatives(
        positives,
        genome,
        avoid=nothing if avoid is None else _spelled(avoid, genome, strict=False),
        match=match,
        max_n=max_n,
        seed=seed,
    )
    positives = _keep(positives, np.isin(np.arange(len(positives)), rows), "like no free stretch in GC", dropped)
    divide = _by_locus if split == "random" else _by_chromosome
    in_test = divide(positives, negatives, test_fraction, np.random.default_rng([seed, 1]))
    for mask in in_test:
        if mask.all() or not mask.any():
            raise UserError(
                f"{len(positives)} positives cannot be split {split} with --test-fraction {test_fraction}: a side "
                "would lack a class; take --split random, another fraction, or more positives"
            )
    return Built(positives, negatives, in_test, dropped)


def _check(match: Collection[str], max_n: float, split: str, test_fraction: float, length_bp: int | None) -> None:
    if wrong := set(match) - set(MATCHES):
        raise UserError(f"--match {wrong.pop()}: wanted gc, chromosome or both")
    if split not in SPLITS:
        raise UserError(f"--split {split}: wanted random or chromosome")
    if not 0 <= max_n < 1:
        raise UserError(f"--max-n {max_n}: wanted a share of 0 to 1, e.g. .1")
    if not 0 < test_fraction < 1:
        raise UserError(f"--test-fraction {test_fraction}: wanted a share between 0 and 1, e.g. .2")
    if length_bp is not None and length_bp < 1:
        raise UserError(f"--length {length_bp}: wanted keep, or a number of bases")


def _spelled(intervals: Intervals, genome: Genome, *, strict: bool = True) -> Intervals:
    """Chromosomes as the FASTA spells them; of others, an error, or with `strict` off, the rows left out."""
    known = aliases(genome.lengths)
    spelling = {
        name: name if name in genome.lengths else known.get(common_name(name), "")
        for name in set(intervals.chrom.tolist())
    }
    chrom = np.array([spelling[name] for name in intervals.chrom.tolist()], dtype=str)
    if strict and (absent := chrom == "").any():
        row = int(np.argmax(absent))
        raise OutOfChromosome(
            f"{intervals.describe(row)} names a chromosome that {genome.fasta} lacks (nearest: "
            f"{nearest(str(intervals.chrom[row]), genome.lengths)}); name another with --genome FASTA"
        )
    here = np.flatnonzero(chrom != "")
    rows = intervals[here]
    return Intervals(chrom[here], rows.start, rows.end, rows.strand, rows.source, rows.line)


def _first_of_each(intervals: Intervals) -> Mask:
    """Rows that no earlier row repeats, strand ignored: both strands of a stretch are the same piece of DNA."""
    (line,) = linearize(intervals)
    _, first = np.unique(np.stack([line.start, line.end], axis=1), axis=0, return_index=True)
    mask = np.zeros(len(intervals), bool)
    mask[first] = True
    return mask


def _keep(intervals: Intervals, good: Mask, reason: str, dropped: dict[str, int]) -> Intervals:
    if lost := int((~good).sum()):
        dropped[reason] = lost
    return intervals[np.flatnonzero(good)]


def _by_locus(
    positives: Intervals, negatives: Intervals, share: float, random: np.random.Generator
) -> tuple[Mask, Mask]:
    """Whole loci to test, in random order, as long as they fit; a negative goes where its positive goes."""
    (line,) = linearize(positives)
    locus = cluster_overlapping(line)
    sizes = np.bincount(locus)
    order = random.permutation(len(sizes))
    inside = np.zeros(len(sizes), bool)
    left = round(share * len(positives))
    for one in order.tolist():
        if sizes[one] <= left:
            inside[one] = True
            left -= int(sizes[one])
    return inside[locus], inside[locus]


def _by_chromosome(
    positives: Intervals, negatives: Intervals, share: float, random: np.random.Generator
) -> tuple[Mask, Mask]:
    """The choice of chromosomes, among many random ones, that comes nearest to the share in both classes."""
    names, number = np.unique(np.concatenate([positives.chrom, negatives.chrom]), return_inverse=True)
    parts = np.split(number, [len(positives)])
    shares = np.stack([np.bincount(part, minlength=len(names)) / len(part) for part in parts])
    best, distance = np.zeros(len(names), bool), np.inf
    for _ in range(TRIES):
        order = random.permutation(len(names))
        reached = np.cumsum(shares[:, order], axis=1)
        miss = np.abs(reached - share).max(axis=0)
        miss[((reached <= 0) | (reached >= 1 - 1e-9)).any(axis=0)] = np.inf
        last = int(np.argmin(miss))
        if miss[last] < distance:
            distance = float(miss[last])
            best = np.isin(np.arange(len(names)), order[: last + 1])
    return best[parts[0]], best[parts[1]]


def write_tables(built: Built, folder: Path, classes: Sequence[str], reference: str) -> dict[str, str]:
    """Write `{train,test}/<class>.csv.gz` and metadata.yaml; returns table -> sha256. The folder appears whole or not.

    `classes` names the negatives, then the positives. The same rows give the same bytes.
    """
    import yaml

    sums = {}
    with atomic_folder(folder) as draft:
        for label, rows, in_test in zip(classes, (built.negatives, built.positives), built.in_test[::-1], strict=True):
            for split, mask in (("train", ~in_test), ("test", in_test)):
                file = draft / split / f"{label}.csv.gz"
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(gzip.compress(_table(rows, np.flatnonzero(mask)).encode(), mtime=0))
                sums[f"{split}/{label}.csv.gz"] = sha256(file)
        kind = "fa.gz" if reference.endswith(".gz") else "fa"
        facts = {"version": 0, "classes": {label: {"type": kind, "url": reference} for label in sorted(classes)}}
        (draft / "metadata.yaml").write_text(yaml.safe_dump(facts))
    return sums


def _table(intervals: Intervals, rows: NDArray[np.int64]) -> str:
    part = intervals[rows]
    strand = ["+"] * len(rows) if part.strand is None else part.strand.tolist()
    columns = (rows.tolist(), part.chrom.tolist(), part.start.tolist(), part.end.tolist(), strand)
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([",".join(GB_COLUMNS), *lines]) + "\n"


def write_card(
    file: Path, name: str, built: Built, *, folder: Path, sums: Mapping[str, str], about: str,
    classes: Sequence[str], genome: Path, command: Sequence[str]
) -> None:  # fmt: skip
    """Write the dataset's YAML, card and all, so that `dataset=<name>` finds it."""
    import yaml

    both = dict(zip(classes, zip((built.negatives, built.positives), built.in_test[::-1], strict=True), strict=True))
    labels = sorted(classes)
    counts = {
        "train": {label: int((~both[label][1]).sum()) for label in labels},
        "test": {label: int(both[label][1].sum()) for label in labels},
    }
    root = data_root()
    home = root / "genomic_benchmarks"
    card: dict[str, Any] = {
        "source": "made on this machine",
        "command": shlex.join(command),
        "rows": {split: sum(of_class.values()) for split, of_class in counts.items()},
        "counts": counts,
        "table1": shape_of({label: both[label][0].lengths for label in labels}),
        "sha256": dict(sums),
    }
    facts = {
        "name": name,
        "folder": str(folder.relative_to(home) if folder.is_relative_to(home) else folder),
        "kind": "binary",
        "classes": labels,
        "assembly": genome.name.removesuffix(".gz").removesuffix(".fasta").removesuffix(".fna").removesuffix(".fa"),
        "genome": str(genome.relative_to(root) if genome.is_relative_to(root) else genome),
        "card": card,
    }
    body = yaml.safe_dump(facts, sort_keys=False, width=1000, default_flow_style=False)
    with atomic_write(file) as part:
        part.write_text(f"# {about}\ndefaults: [base/intervals@_here_, _self_]\n{body}")
