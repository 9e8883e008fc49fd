"""The audit's verdict on a split that a run is scored on, computed once and kept in the cache."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Benchmark
from genolightning.storage.cache import cache_path, make_file_once

RULES = 1  # counts up when the same rows get another verdict


def split_verdict(
    benchmark: Benchmark,
    split: str,
    test: Callable[[], NDArray[np.int64]],
    *,
    published: Sequence[str],
    settings: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """`{verdict, reasons, split}` of a split of published rows; near-duplicates are not searched for.

    `test` gives the row numbers of the test rows, int64 (n,), in the `published` tables end to end; all other rows are
    training rows. It is called where the cache has no verdict. `split` is the split's id, `settings` what else chose
    the rows, e.g. a share and a seed.
    """
    from genolightning.benchmarks.audit.published_rows import fingerprint

    kept = [name for name in ("train", "test") if name in benchmark.splits()]
    path = cache_path("audits", [RULES, fingerprint(benchmark, kept), split, settings], ".json")

    def write(file: Path) -> None:
        from genolightning.benchmarks.audit.leakage import audit_rows
        from genolightning.benchmarks.audit.published_rows import read_published_rows

        rows, test_rows = read_published_rows(benchmark, published), test()
        train_rows = np.setdiff1d(np.arange(len(rows.lengths)), test_rows)
        audit = audit_rows(rows, train_rows, test_rows, name=benchmark.name, split=split, near=False)
        file.write_text(json.dumps({"verdict": audit.verdict, "reasons": audit.reasons, "split": split}))

    verdict: dict[str, Any] = json.loads(make_file_once(path, write).read_text())
    return verdict
