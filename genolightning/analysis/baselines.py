"""The leaderboard's baseline: logistic regression on 6-mers, fitted on a split's training rows, kept in the cache."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from genolightning.errors import UserError
from genolightning.facts import target_kind
from genolightning.statistics.estimate import Estimate
from genolightning.statistics.evaluate import evaluate
from genolightning.storage.atomic import atomic_write
from genolightning.storage.cache import cache_path

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark

K = 6
RULES = 1  # increment when fitting or scoring changes: part of the cache key
Sums = Mapping[str, Mapping[str, str]]


def kmer_scores(
    name: str, split: str, seed: int, data_sha256: Sums | None, *, make_benchmark: Callable[[], "Benchmark"]
) -> dict[str, Estimate]:
    """Every score of the baseline on the test rows of a split, by its id; the seed is that of a split that has one.

    `data_sha256` are the checksums of the runs that it is compared with, split -> file -> sha256: the files here must
    be the same. `make_benchmark` builds the dataset's benchmark; it is called only where the scores are not in the
    cache. UserError where the files differ, or where there are no bases, classes or test rows.
    """
    benchmark = None
    if data_sha256 is None:
        benchmark = make_benchmark()
        data_sha256 = _sums(benchmark)
    content = {part: sorted(files.values()) for part, files in data_sha256.items()}
    kept = cache_path("leaderboard", [RULES, K, name, split, content], ".json", prefix="kmer-")
    if not kept.exists():
        benchmark = benchmark or make_benchmark()
        if {part: sorted(files.values()) for part, files in _sums(benchmark).items()} != content:
            raise UserError("its files here are not those that the runs were made from")
        found = _fitted(benchmark, split, seed)
        with atomic_write(kept) as draft:
            draft.write_text(json.dumps(found))
    return {metric: Estimate(*one) for metric, one in json.loads(kept.read_text()).items()}


def _sums(benchmark: "Benchmark") -> dict[str, dict[str, str]]:
    benchmark.prepare()
    return {part: benchmark.sha256(part) for part in benchmark.splits()}


def _fitted(benchmark: "Benchmark", split: str, seed: int) -> dict[str, Estimate]:
    from genolightning.benchmarks.audit.published_rows import read_published_rows
    from genolightning.benchmarks.audit.shortcuts import kmer_logistic
    from genolightning.benchmarks.splits import assign

    if "test" not in benchmark.splits():
        raise UserError(f"split {split} is drawn from train; give it a test file of its own")
    rows = read_published_rows(benchmark)
    if rows.codes is None or rows.target is None:
        raise UserError(rows.notes[0] if rows.notes else "its rows have no single class")
    chosen = assign(benchmark, split.partition("-")[0], seed)
    if chosen.id != split:
        raise UserError(f"split {split} cannot be made again here, {chosen.id} came out")
    sys.stderr.write(f"genolightning: fitting {K}-mers on {len(chosen.train):,} rows of {benchmark.name}\n")
    p = kmer_logistic(rows.codes.take(chosen.train), rows.target[chosen.train], rows.codes.take(chosen.test), k=K)
    binary = target_kind(benchmark.kind).two_classes
    return evaluate(benchmark.kind, rows.target[chosen.test], p[:, 1] if binary else p, classes=rows.classes)
