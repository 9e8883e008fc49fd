"""Build a benchmark from the `dataset` part of a config, without the datamodule, torch or lightning."""

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genolightning.benchmarks.card import composed
from genolightning.errors import constructor_errors
from genolightning.paths import conf_dir

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark

SERVED = {  # datamodule -> the benchmark that it serves
    "genolightning.data.datamodule.TableDataModule": "genolightning.benchmarks.labelled_table.LabelledTable",
    "genolightning.data.datamodule.IntervalDataModule": "genolightning.benchmarks.interval_tables.IntervalTables",
    "genolightning.data.datamodule.MotifsDataModule": "genolightning.benchmarks.motifs.Motifs",
    "genolightning.data.genome_windows.GenomeWindowsDataModule": (
        "genolightning.benchmarks.genome_windows.GenomeWindows"
    ),
}
DESCRIPTIVE = ("_target_", "card")


def make_benchmark(dataset: Mapping[str, Any]) -> "Benchmark | None":
    """Build the benchmark that a dataset's config describes, a plain mapping with every interpolation resolved.

    None where only the datamodule can: it is a class of the user's own, or the config has keys that neither the
    benchmark nor the loading of batches reads.
    """
    path = SERVED.get(str(dataset.get("_target_")))
    if path is None:
        return None
    module, _, name = path.rpartition(".")
    make = getattr(import_module(module), name)
    own = inspect.signature(make).parameters
    others = {key for key, value in dataset.items() if key not in own and value is not None}
    if others - _loading_keys() - set(DESCRIPTIVE):
        return None
    with constructor_errors("dataset"):
        benchmark: Benchmark = make(**{key: value for key, value in dataset.items() if key in own})
    return benchmark


@cache
def _loading_keys() -> frozenset[str]:
    """The keys of every dataset that set how batches are made of its rows."""
    return frozenset(composed(conf_dir() / "dataset" / "base" / "serving.yaml"))
