"""The verdict on the split that a run's scores come from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.audit.verdict import split_verdict
from genolightning.data.datamodule import SequenceDataModule
from genolightning.facts import target_kind


def verdict(data: SequenceDataModule) -> dict[str, Any] | None:
    """`{verdict, reasons, split}` of the rows that train and those that test; None for language models.

    Near-duplicates are not searched for here: `genolightning datasets audit NAME` does.
    """
    if target_kind(data.benchmark.kind).language_model:
        return None
    split, own_file = data.origin()["test"], data.has_file("test")

    def test() -> NDArray[np.int64]:
        from genolightning.benchmarks.splits import assign

        return assign(data.benchmark, data.split, data.seed).test if own_file else data.index("test")

    return split_verdict(
        data.benchmark,
        split,
        test,
        published=("train", "test") if own_file else ("train",),
        settings=None if own_file else [data.test_fraction, data.seed],
    )
