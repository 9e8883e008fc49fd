"""Other splits of a benchmark's published rows: `clean` keeps whole groups together, `chromosome` whole chromosomes.

The published split stays as it is, under its own id. A group stays on one side of a split: rows whose intervals
overlap, directly or through others, equal sequences, and near-duplicates where the bases are available. As in GraphPart
(Teufel et al., NAR Genom. Bioinform. 5:lqad088, 2023) and DataSAIL (Joeres et al., Nat. Commun. 16:3337, 2025), but
sizes are met greedily.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.audit.leakage import sequence_groups
from genolightning.benchmarks.audit.near_duplicates import near_duplicate_pairs
from genolightning.benchmarks.audit.published_rows import PUBLISHED, PublishedRows, fingerprint, read_published_rows
from genolightning.benchmarks.base import Benchmark
from genolightning.errors import Setting, UserError
from genolightning.genome.overlaps import cluster_overlapping, linearize
from genolightning.storage.atomic import CACHE_FIX, atomic_write
from genolightning.storage.cache import cache_path

KINDS = ("original", "clean", "chromosome")
LEAST_ROWS = 100  # test rows of each class, unless the published split has fewer
SHARE_SLACK = 0.05  # how far the majority share may move
ORDERS, WORK = 64, 1 << 21  # at most so many orders are tried, and so many groups looked at
NEAR_ENOUGH = 0.1  # of a class's published rows: no other order is tried
RECIPE = 1  # counts up when the same rows come to be split otherwise

Rows = NDArray[np.int64]


class Assignment(NamedTuple):
    """Which rows of the published train and test tables, end to end and before any drop, go where."""

    train: Rows  # ascending
    test: Rows  # ascending
    validation: Rows | None  # rows of the validation table that are in no group of a test row; None: there is no table
    id: str  # "original", or the kind and a hash of kind, seed, tables and rows: the same on every machine
    notes: list[str]  # what the split could not keep to


def assign(benchmark: Benchmark, kind: str, seed: int = 1) -> Assignment:
    """Split a benchmark's rows again; worked out once, then read from `splits` in the cache folder.

    Every class keeps 100 test rows (or its published number if that is smaller) and the majority share of the test rows
    stays within .05 of the published; `notes` name a class that cannot. Raises UserError for another kind, a benchmark
    without a test file, `chromosome` without coordinates, and where no test row at all can be set apart.
    """
    if kind not in KINDS:
        raise UserError(f"{Setting('dataset.split', kind)}: wanted {', '.join(KINDS)}")
    held = ["validation"] if "validation" in benchmark.splits() else []
    rows = read_published_rows(benchmark, [*PUBLISHED, *held])
    published = sum(rows.counts[:2])
    if kind == "original":
        left = np.arange(len(rows.test) - published)
        return _assignment(rows.test[:published], left if held else None, "original", [])
    if rows.unordered:
        raise UserError(
            f"{benchmark.name}: its ready sequences have no column id that ties them to their intervals",
            f"add one, or name a genome: {Setting('dataset.genome', 'FILE')}",
        )
    file = cache_path("splits", _recipe(benchmark, kind, seed, rows), ".npz")
    if (known := _read(file, published)) is not None:
        return known
    group = _chromosomes(benchmark, rows) if kind == "chromosome" else groups(rows)
    target = None if rows.target is None else rows.target[:published]
    test, notes = choose(group[:published], target, rows.test[:published], seed, classes=rows.classes)
    if not test.any() or test.all():
        raise UserError(
            f"{benchmark.name}: its rows hang together so that no {kind} split exists",
            f"use {Setting('dataset.split', 'original')}",
        )
    left = np.flatnonzero(~np.isin(group[published:], group[:published][test]))
    content = f"{RECIPE} {kind} {seed} {fingerprint(benchmark)}".encode() + np.packbits(test).tobytes()
    name = f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}"
    made = _assignment(test, left if held else None, name, notes)
    _write(file, made)
    return made


def _assignment(test: NDArray[np.bool_], validation: Rows | None, name: str, notes: list[str]) -> Assignment:
    return Assignment(np.flatnonzero(~test), np.flatnonzero(test), validation, name, notes)


def _recipe(benchmark: Benchmark, kind: str, seed: int, rows: PublishedRows) -> dict[str, Any]:
    """All that an assignment depends on; with bases more rows hang together than without."""
    bases = [benchmark.sha256(split) for split in benchmark.splits()] if rows.codes is not None else None
    return {"recipe": RECIPE, "kind": kind, "seed": seed, "tables": fingerprint(benchmark), "bases": bases}


def groups(rows: PublishedRows) -> Rows:
    """A number for each group of rows that must stay together, (rows,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    same = sequence_groups(rows)
    count = int(same.max()) + 1
    _, first = np.unique(same, return_index=True)
    edges = []
    if rows.intervals is not None:
        locus = cluster_overlapping(linearize(rows.intervals)[0])
        _, one_of_it = np.unique(locus, return_index=True)
        edges.append((same, same[one_of_it][locus]))
    if rows.codes is not None:
        pairs = near_duplicate_pairs(rows.codes.take(first))
        edges.append((pairs.first, pairs.second))
    one, other = (np.concatenate(side) for side in zip(*edges, strict=True))
    graph = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(count, count))
    number: Rows = connected_components(graph, directed=False)[1].astype(np.int64)[same]
    return number


def choose(
    group: Rows, target: Rows | None, published: NDArray[np.bool_], seed: int, *, classes: Sequence[str] = ()
) -> tuple[NDArray[np.bool_], list[str]]:
    """Choose whole groups as the test rows, so that each class has about as many as were published.

    `group` and `target` are int64 (rows,); `published`, bool (rows,), marks the published test rows. Groups are taken
    in random order, each where no class exceeds its published count. Where groups are few and large, other orders, and
    counts up to 20 % larger, are tried as well; where a class still has too few rows, the others shrink with it as far
    as the guards allow. Returns which rows are test rows, bool (rows,), and which guards could not be met.
    """
    labels = np.zeros(len(group), np.int64) if target is None else target
    goal = np.bincount(labels[published], minlength=int(labels.max()) + 1)
    table = np.zeros((int(group.max()) + 1, len(goal)), np.int64)
    np.add.at(table, (group, labels), 1)
    random = np.random.default_rng([seed, RECIPE])
    taken, best = np.zeros(len(table), bool), (len(goal) + 2, 0.0)
    for _ in range(max(2, min(ORDERS, WORK // len(table)))):
        order = random.permutation(len(table))
        for room in (1.0, 1.2):
            one = _fill(table, order, np.floor(goal * room).astype(np.int64))
            if (rank := _rank(table[one].sum(axis=0), goal)) < best:
                taken, best = one, rank
        if best[0] == 0 and best[1] <= NEAR_ENOUGH:
            break
    if best[0]:
        reached = table[taken].sum(axis=0) / np.maximum(goal, 1)
        scale = max(float(reached[goal > 0].min()), min(1.0, LEAST_ROWS / int(goal[goal > 0].min())))
        smaller = _fill(table, random.permutation(len(table)), np.ceil(goal * scale).astype(np.int64))
        taken = min((taken, smaller), key=lambda one: _rank(table[one].sum(axis=0), goal))
    names = list(classes) or [str(number) for number in range(len(goal))]
    return taken[group], _shortfalls(table[taken].sum(axis=0), goal, names)


def _rank(count: Rows, goal: Rows) -> tuple[int, float]:
    """How good a choice is, the lower the better: guards that are broken, then the share of a class that is off."""
    faults = len(_shortfalls(count, goal, [""] * len(goal)))
    return faults, float(np.max(np.abs(count - goal) / np.maximum(goal, 1)))


def _fill(table: Rows, order: Rows, goal: Rows) -> NDArray[np.bool_]:
    """Which groups are taken: each that still fits, in the order given."""
    taken = np.zeros(len(table), bool)
    left = goal.tolist()
    sizes = table.tolist()
    for number in order.tolist():
        size = sizes[number]
        if all(one <= room for one, room in zip(size, left, strict=True)):
            taken[number] = True
            left = [room - one for one, room in zip(size, left, strict=True)]
            if not any(left):
                break
    return taken


def _shortfalls(count: Rows, goal: Rows, names: Sequence[str]) -> list[str]:
    """The guards that a choice breaks, as text."""
    notes = [
        f"class {name}: {found} test rows, {min(LEAST_ROWS, wanted)} wanted; its rows hang together in groups too large"
        for name, found, wanted in zip(names, count.tolist(), goal.tolist(), strict=True)
        if found < min(LEAST_ROWS, wanted)
    ]
    before, shares = float(goal.max() / goal.sum()), count / max(int(count.sum()), 1)
    now = max(float(shares[goal.argmax()]), float(shares.max()), key=lambda share: abs(share - before))
    if abs(now - before) > SHARE_SLACK:
        notes.append(f"the majority class is {now:.3f} of the test rows, {before:.3f} as published")
    return notes


def _chromosomes(benchmark: Benchmark, rows: PublishedRows) -> Rows:
    if rows.intervals is None:
        raise UserError(
            f"{benchmark.name} has no coordinates, so no chromosomes to hold out",
            f"use {Setting('dataset.split', 'clean')}",
        )
    return np.unique(rows.intervals.chrom, return_inverse=True)[1].reshape(-1)


def _read(file: Path, rows: int) -> Assignment | None:
    """An assignment worked out before, None where there is none that is sound."""
    try:
        # from memory: numpy 2.4 leaves a damaged file open
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            validation = kept.get("validation")
            notes = [str(note) for note in kept["notes"]]
            made = Assignment(kept["train"], kept["test"], validation, str(kept["id"]), notes)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return made if len(made.train) + len(made.test) == rows else None


def _write(file: Path, made: Assignment) -> None:
    columns = {
        "train": made.train,
        "test": made.test,
        "id": np.array(made.id),
        "notes": np.array(made.notes, dtype=str),
    }
    if made.validation is not None:
        columns["validation"] = made.validation
    with atomic_write(file, fix=CACHE_FIX) as part, open(part, "wb") as out:
        np.savez_compressed(out, allow_pickle=False, **columns)
