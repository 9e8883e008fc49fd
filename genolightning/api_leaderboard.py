"""The Python API for comparing runs: leaderboard and compare."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.analysis.baselines import kmer_scores
from genolightning.analysis.comparisons import differences
from genolightning.analysis.leaderboard import Board, Row, dataset_rows, make_sections, paired
from genolightning.analysis.run_table import details, finished, grouped, is_rehearsal
from genolightning.benchmarks.published_scores import Published, published
from genolightning.config.default_settings import DefaultSettings
from genolightning.config.renamed_targets import with_first_names
from genolightning.errors import UserError
from genolightning.paths import logs_dir
from genolightning.report.leaderboard_text import FIELDS
from genolightning.runs.record import RunRecord
from genolightning.statistics.estimate import Estimate

if TYPE_CHECKING:
    import polars as pl

RunFolders = str | Path | Sequence[str | Path]


def leaderboard(
    *,
    logs: str | Path | None = None,
    dataset: str | None = None,
    model: str | None = None,
    score: str | None = None,
    baselines: bool = False,
    config_dir: str | Path | None = None,
) -> "pl.DataFrame":
    """List finished runs, seeds pooled, with published scores: one row per dataset, split, score and model, best first.

    `logs` is the folder of run folders; `dataset` and `model` are patterns such as "gue_*"; `score` is one score
    instead of each dataset's main one; `baselines` fits a 6-mer logistic regression for each dataset. Scores are as in
    the records, `low` and `high` the 95 % interval, `sd` over the seeds. UserError where nothing fits.
    """
    import polars as pl

    board = make_board(
        Path(logs) if logs else None,
        dataset=dataset,
        model=model,
        score=score,
        baselines=baselines,
        config_dir=Path(config_dir) if config_dir else None,
    )
    return pl.DataFrame([{key: getattr(row, key) for key in FIELDS} for row in board.rows], infer_schema_length=None)


def compare(runs: RunFolders, others: RunFolders) -> "pl.DataFrame":
    """Compare two models by a paired bootstrap: the same test rows are drawn again for both, 1,000 times.

    Each is a run folder, or a list of run folders that differ in their seed. One row per score: the mean over `runs`
    less the mean over `others` with its 95 % interval (`low`, `high`); the models differ where it excludes 0.
    UserError where the two were not tested on the same rows, or have no predictions.
    """
    import polars as pl

    found = differences(_records(runs), _records(others))
    if not found:
        raise UserError(
            "the runs were not tested on the same rows, or have no predictions", "compare runs of one split"
        )
    rows = [{"score": name, "difference": one.value, "low": one.low, "high": one.high} for name, one in found.items()]
    return pl.DataFrame(rows)


def _records(folders: RunFolders) -> list[RunRecord]:
    several = [folders] if isinstance(folders, str | Path) else folders
    return [RunRecord.read(Path(folder)) for folder in several]


def make_board(
    logs: Path | None,
    *,
    dataset: str | None = None,
    model: str | None = None,
    score: str | None = None,
    baselines: bool = False,
    pairs: bool = False,
    rehearsals: bool = True,
    config_dir: Path | None = None,
) -> Board:
    """Read the records below a folder, group them, and add baselines and published scores of their datasets.

    `pairs` adds each model's paired difference to the best one; `rehearsals=False` leaves runs of trainer=debug out.
    """
    root = logs or logs_dir()
    if logs and not root.is_dir():
        raise UserError(f"--logs {root}: no such folder; name the one that holds the run folders")
    records, skipped = finished(root)
    for line in skipped:
        progress(f"warning: {line}")
    fitting = [run for run in records if _fits(run.dataset, dataset) and _fits(run.model, model)]
    chosen = [run for run in fitting if rehearsals or not is_rehearsal(run)]
    scores = [one for one in published() if _fits(one.dataset, dataset)]
    groups, notes = grouped([replace(run, config=with_first_names(run.config)) for run in chosen])
    if len(chosen) < len(fitting):
        notes.append(f"{len(fitting) - len(chosen)} runs of trainer=debug are left out; --json lists them")
    datasets = sorted({group.dataset for group in groups})
    if not datasets and dataset and not model:
        datasets = sorted({one.dataset for one in scores})
        notes.append(f"no finished run of {dataset} in {root}: published scores only")
    if not datasets:
        raise UserError(_nothing(dataset, model, root, records))
    baseline = _Baseline(config_dir)
    named = list(zip(groups, details(groups, DefaultSettings(config_dir)), strict=True))
    rows: list[Row] = []
    lines: list[str] = []
    for name in datasets:
        here = [(group, detail) for group, detail in named if group.dataset == name]
        own_scores = [one for one in scores if one.dataset == name]
        made = dataset_rows(
            here, own_scores, name, metric=score, baseline_of=baseline if baselines else None, tell=progress
        )
        for metric in dict.fromkeys(row.metric for row in made if pairs):
            lines += paired([group for group, _ in here], [detail for _, detail in here], metric, progress)
        rows += made
    if not rows:
        raise UserError(f"no score {score}; there are {', '.join(_score_names(chosen, scores))}")
    return Board(make_sections(rows), lines, notes + baseline.notes, [run for group in groups for run in group.runs])


class _Baseline:
    """The scores of the 6-mer logistic regression, for any dataset; a note where there are none."""

    def __init__(self, config_dir: Path | None) -> None:
        self.config_dir = config_dir
        self.notes: list[str] = []

    def __call__(self, dataset: str, split: str, run: RunRecord | None) -> Mapping[str, Estimate]:
        from genolightning.config.datasets import benchmark_from_name

        config: Mapping[str, Any] = run.config if run else {}
        name = (config.get("choices") or {}).get("dataset") or dataset
        seed = (config.get("dataset") or {}).get("seed", 1)
        sums = run.data_sha256 if run else None
        try:
            return kmer_scores(
                name, split, seed, sums, make_benchmark=lambda: benchmark_from_name(name, config_dir=self.config_dir)
            )
        except UserError as error:
            self.notes.append(f"no 6-mer baseline of {dataset}: {error}")
            return {}


def progress(line: str) -> None:
    """Print a warning, or that work takes its time, on standard error."""
    sys.stderr.write(f"genolightning: {line}\n")


def _fits(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(name, pattern)


def _nothing(dataset: str | None, model: str | None, root: Path, records: Sequence[RunRecord]) -> str:
    if not records:
        return f"no finished run in {root}; make one: genolightning train dataset=motifs model=convnet trainer=cpu"
    there = sorted({f"{run.dataset} {run.model}" for run in records})
    wanted = " ".join(f"--{key} {value}" for key, value in (("dataset", dataset), ("model", model)) if value)
    return f"{wanted}: no finished run in {root} fits; there are {', '.join(there[:10])}" + ", ..." * (len(there) > 10)


def _score_names(records: Sequence[RunRecord], scores: Sequence[Published]) -> list[str]:
    return sorted({name for run in records for name in run.metrics} | {one.metric for one in scores})
