"""The audit's verdict on the split that a run is scored on, computed once and kept in the cache."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from genolightning.facts import target_kind
from genolightning.paths import cache_dir
from genolightning.storage.atomic import atomic_write

if TYPE_CHECKING:
    from genolightning.data.datamodule import SequenceDataModule

RULES = 1  # counts up when the same rows come to be judged otherwise


def verdict(data: "SequenceDataModule") -> dict[str, Any] | None:
    """`{verdict, reasons, split}` of the rows that train, and of those that test; None where there is no label to leak.

    Near-duplicates are not searched for here: `genolightning datasets audit NAME` does.
    """
    from genolightning.benchmarks.audit.published_rows import fingerprint

    if target_kind(data.benchmark.kind).language_model:
        return None
    split = data.origin()["test"]
    own_file = data.has_file("test")
    share = None if own_file else [data.test_fraction, data.seed]
    published = [name for name in ("train", "test") if name in data.benchmark.splits()]
    parts = [RULES, fingerprint(data.benchmark, published), split, share]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    path = cache_dir() / "audits" / f"{key[:32]}.json"
    if not path.exists():
        found = _audit(data, split, own_file)
        with atomic_write(path) as draft:
            draft.write_text(json.dumps({"verdict": found.verdict, "reasons": found.reasons, "split": split}))
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


def _audit(data: "SequenceDataModule", split: str, own_file: bool) -> Any:
    from genolightning.benchmarks.audit.leakage import audit, audit_rows
    from genolightning.benchmarks.audit.published_rows import whole
    from genolightning.benchmarks.splits import assign

    benchmark = data.benchmark
    if own_file:
        chosen = assign(benchmark, data.split, data.seed)
        return audit(benchmark, train=chosen.train, test=chosen.test, split=chosen.id, near=False)
    rows = whole(benchmark, ["train"])
    test = data.index("test")
    train = np.setdiff1d(np.arange(len(rows.lengths)), test)
    return audit_rows(rows, train, test, name=benchmark.name, split=split, near=False)
