"""The Python API for everything that is listed or compared: datasets, models, audits, sweeps, leaderboards.

The functions that end in `_rows` return plain values and import little; the command line uses them.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as texts
from genolightning.config.datasets import benchmark_from_name, dataset_file
from genolightning.errors import UserError, check_integer

if TYPE_CHECKING:
    import polars as pl

    from genolightning.benchmarks.audit.leakage import Audit
    from genolightning.benchmarks.base import Benchmark

# keys of a card that `info` leaves out: it prints what a reader wants of them in another place
FOR_MACHINES = ("sources", "bibtex", "sha256", "table1", "counts", "audit")


def datasets(*, config_dir: str | Path | None = None) -> "pl.DataFrame":
    """List the datasets: one row each with name, kind, number of classes (null where the file says) and description.

    `config_dir` is a folder with datasets of your own. UserError where a YAML file of it cannot be read.
    """
    import polars as pl

    return pl.DataFrame([row for row, _ in dataset_rows(_path(config_dir))], infer_schema_length=None)


def dataset_rows(config_dir: Path | None = None) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of `datasets` as plain values, {name, kind, classes, about}, each with its dataset's composed YAML."""
    from genolightning.benchmarks.card import composed

    rows = []
    for name, file in texts.choices("dataset", config_dir).items():
        facts = composed(file)
        classes = facts.get("classes")
        count = len(classes) if isinstance(classes, list) else None
        row = {"name": name, "kind": facts.get("kind"), "classes": count, "about": texts.about(file)}
        rows.append((row, facts))
    return rows


def dataset_facts(name: str, config_dir: Path | None = None) -> dict[str, Any]:
    """What is known of a dataset: its card, and where its files are here the rows of each split and class."""
    from genolightning.benchmarks.card import composed, known_facts, read_card

    file = dataset_file(name, config_dir)
    written = {key: value for key, value in composed(file).items() if key != "_target_" and "${" not in str(value)}
    written["card"] = {key: value for key, value in written.get("card", {}).items() if key not in FOR_MACHINES}
    first = {"name": name, "about": texts.about(file), "kind": written.get("kind"), "classes": written.get("classes")}
    facts: dict[str, Any] = first | {key: value for key, value in written.items() if key not in first}
    facts |= known_facts(read_card(file))
    try:
        benchmark = benchmark_from_name(name, config_dir=config_dir)
        benchmark.prepare()
        facts |= {"kind": benchmark.kind, "classes": list(benchmark.classes), "whole": True}
        facts["splits"] = {split: _counts(benchmark, split) for split in benchmark.splits()}
    except UserError as error:
        facts |= {"whole": False, "problem": str(error)}
    return facts


def _counts(benchmark: "Benchmark", split: str) -> dict[str, Any]:
    import numpy as np

    rows = benchmark.rows(split)
    counts: dict[str, Any] = {"rows": len(rows.index)}
    if rows.target.ndim == 1 and np.issubdtype(rows.target.dtype, np.signedinteger):
        found = np.bincount(rows.target[rows.target >= 0], minlength=len(benchmark.classes)).tolist()
        counts["classes"] = dict(zip(benchmark.classes, found, strict=True))
    return counts | ({"dropped": dict(rows.dropped)} if rows.dropped else {})


def list_models(
    *, pattern: str = "*", kind: str = "binary", length_bp: int = 251, config_dir: str | Path | None = None
) -> "pl.DataFrame":
    """List the models whose names fit `pattern`, built for a dataset of `kind` with rows of `length_bp` bases.

    One row each: model, parameters (backbone and head, without buffers), flops_per_base (forward pass), kind,
    length_bp, about. Both numbers are null where a model cannot be built; `about` then says why. UserError where no
    name fits.
    """
    import polars as pl

    from genolightning.config.model_costs import ModelSpec, model_row

    folder = _path(config_dir)
    files = {name: file for name, file in texts.choices("model", folder).items() if fnmatchcase(name, pattern)}
    if not files:
        raise UserError(
            f"pattern {pattern!r} fits no model", f"choose from {', '.join(texts.choices('model', folder))}"
        )
    rows = [model_row(ModelSpec(name, kind, length_bp, folder), file) for name, file in files.items()]
    return pl.DataFrame(rows, infer_schema_length=None)


def sweep(name: str, *overrides: str, config_dir: str | Path | None = None) -> "pl.DataFrame":
    """Run a sweep, `sweep("seeds", "dataset=motifs", "model=cnn", "seed=range(1,4)")`; what is finished is kept.

    Each trial is a process of its own. Returns one row per trial: its folder and overrides, its state (finished,
    failed, pruned or stopped), and its test score by name. UserError for a mistake in any trial's config, before the
    first runs.
    """
    import polars as pl

    from genolightning.sweeps.run import run_sweep
    from genolightning.sweeps.search_space import read_space
    from genolightning.sweeps.status import run_state

    trials = run_sweep(read_space(name, overrides, _path(config_dir)))
    rows = []
    for trial in trials:
        state = run_state(trial.folder, trial.folder.name)
        row = {"trial": state.name, "state": state.state, "score": state.score, "overrides": trial.overrides}
        rows.append(row | {"about": state.about, "folder": str(trial.folder)})
    return pl.DataFrame(rows, infer_schema_length=None)


def audit(
    name_or_tables: str | Mapping[str, str | Path],
    *overrides: str,
    split: str = "original",
    seed: int = 1,
    near_duplicates: bool = True,
    config_dir: str | Path | None = None,
) -> "Audit":
    """Look for leaks between the training and test rows of a dataset, and for shortcuts that read no DNA.

    Takes the name of a dataset, or tables: `audit({"train": "train.csv", "test": "test.csv"})`. `split` is original,
    clean or chromosome; `seed` draws the last two. `near_duplicates=False` leaves the slow search for similar rows
    out. Returns an `Audit`: `verdict` (leaky, suspect or clean), `reasons`, and shares of test rows from 0 to 1.
    UserError for an unknown dataset, missing files or a split that cannot be made.
    """
    name, own = _named(name_or_tables)
    benchmark = benchmark_from_name(name, [*own, *overrides], _path(config_dir))
    return audit_split(benchmark, split=split, seed=seed, near_duplicates=near_duplicates)[0]


def audit_split(
    benchmark: "Benchmark", *, split: str, seed: int, near_duplicates: bool = True, kmers: bool = False
) -> "tuple[Audit, dict[str, Any] | None]":
    """Audit one split of a benchmark; with `kmers` also the accuracy of 6-mer models by similarity to train."""
    from genolightning.benchmarks.audit import leakage
    from genolightning.benchmarks.splits import assign

    check_integer("--seed", seed, 0)
    rows = assign(benchmark, split, seed)
    result = leakage.audit(benchmark, train=rows.train, test=rows.test, split=rows.id, near=near_duplicates)
    result = result._replace(notes=rows.notes + result.notes)
    if not kmers:
        return result, None
    from genolightning.benchmarks.audit.kmer_baselines import kmer_baselines

    return result, kmer_baselines(benchmark, rows.train, rows.test)


def _named(name_or_tables: str | Mapping[str, str | Path]) -> tuple[str, list[str]]:
    if isinstance(name_or_tables, str):
        return name_or_tables, []
    if wrong := set(name_or_tables) - {"train", "validation", "test"}:
        raise UserError(f"tables have no split {wrong.pop()!r}", "name the files of train, validation and test")
    return "table", [f"dataset.{split}={Path(file).absolute()}" for split, file in name_or_tables.items()]


def _path(folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder)
