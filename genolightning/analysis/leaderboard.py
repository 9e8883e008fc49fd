"""Groups of runs -> rows of a leaderboard, compared with a baseline and with published scores.

A row names the split it was scored on, what chose the tested epoch, and the audit's verdict on the split.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from genolightning.analysis.comparisons import differences, seeds_intervals
from genolightning.analysis.run_table import Group, peers, spans, verdict_of
from genolightning.benchmarks.published_scores import Published
from genolightning.facts import higher_is_better
from genolightning.runs.record import RunRecord
from genolightning.statistics.estimate import Estimate

NOTHING_CHOSEN = "nothing chosen"
KMER = "6-mer logistic regression"
ONE, POOLED, MEAN = "rows drawn again", "rows drawn again, mean of the seeds", "mean of the seeds' intervals"

# (dataset, split, a run on it if there is one) -> every score of the k-mer baseline
BaselineOf = Callable[[str, str, RunRecord | None], Mapping[str, Estimate]]


class Row(NamedTuple):
    """One score of one model on one split, and the facts that decide what it may be compared with."""

    dataset: str
    split: str
    verdict: str | None  # the audit's, of this split
    model: str
    protocol: str
    metric: str
    higher_is_better: bool
    value: float | None  # the mean over the seeds
    origin: str  # own, baseline, published
    source: str
    detail: str = ""  # settings that differ from the shipped ones, as they are typed
    sd: float | None = None  # over the seeds, of a sample; None for a single run
    seeds: Sequence[int] = ()
    runs: int | None = None
    low: float | None = None
    high: float | None = None
    unit: str | None = None  # what was drawn again: row or cluster
    interval: str = ""  # how low and high were computed
    note: str = ""
    folders: Sequence[str] = ()


class Section(NamedTuple):
    """The rows of one dataset, score and split, best first among their peers."""

    dataset: str
    split: str
    metric: str
    higher_is_better: bool
    rows: list[tuple[int | None, Row]]  # each with its rank; None where it has none


class Board(NamedTuple):
    """A leaderboard: its sections, and what is printed with them."""

    sections: list[Section]
    paired: list[str]  # lines, each the difference of two models
    notes: list[str]
    records: list[RunRecord]  # the runs that count

    @property
    def rows(self) -> list[Row]:
        """All rows in the order of the sections."""
        return [row for section in self.sections for _, row in section.rows]


def own_rows(group: Group, detail: str, metrics: Sequence[str], tell: Callable[[str], None] | None = None) -> list[Row]:
    """A row for each score that all the group's runs have; `tell` is called with a message before slow work."""
    runs = group.runs
    pooled = seeds_intervals(runs, tell) if len(runs) > 1 else {}
    rows = []
    for metric in [one for one in metrics if all(one in run.metrics for run in runs)]:
        found = [run.metrics[metric] for run in runs]
        row = Row(
            dataset=group.dataset,
            split=group.split,
            verdict=verdict_of(runs),
            model=group.model,
            protocol=group.protocol,
            metric=metric,
            higher_is_better=higher_is_better(metric),
            value=None,
            origin="own",
            source="own runs",
            detail=detail,
            seeds=[run.seed for run in runs],
            runs=len(runs),
            unit=found[-1].unit,
            folders=[str(run.folder) for run in runs],
        )
        if all(one.exists for one in found):
            value, low, high = (float(np.mean(parts)) for parts in list(zip(*found, strict=True))[:3])
            how = ONE if len(runs) == 1 else MEAN
            if metric in pooled:
                low, high, how = *pooled[metric], POOLED
            sd = float(np.std([one.value for one in found], ddof=1)) if len(runs) > 1 else None
            row = row._replace(value=value, low=low, high=high, interval=how, sd=sd)
        rows.append(row)
    return rows


def paired(
    groups: Sequence[Group], names: Sequence[str], metric: str, tell: Callable[[str], None] | None = None
) -> list[str]:
    """A line for each group of one dataset: its score less that of the best group on the same split, chosen by the same
    kind of protocol, and the paired interval of the difference. A line names the two groups by those parts of their
    details (`names`) that they do not share.
    """
    lines = []
    for key in sorted({(group.split, group.data, peers(group.protocol)) for group in groups}):
        here = []
        for group, name in zip(groups, names, strict=True):
            scores = [run.metrics[metric].value for run in group.runs if metric in run.metrics]
            complete = len(scores) == len(group.runs) and np.isfinite(scores).all()
            if (group.split, group.data, peers(group.protocol)) == key and complete:
                here.append((float(np.mean(scores)), group, name.split()))
        here.sort(key=lambda one: one[0], reverse=higher_is_better(metric))
        for _, group, details in here[1:]:
            _, best, best_details = here[0]
            found = differences(group.runs, best.runs, tell).get(metric)
            difference = "not tested on the same rows, or without predictions"
            if found:
                difference = f"{found.value:+.3f}, {found.low:+.3f} to {found.high:+.3f}"
            own, other = (
                " ".join([one.model, *(part for part in parts if part not in shared)])
                + f" (seed{'s' * (len(one.runs) > 1)} {spans([run.seed for run in one.runs])})"
                for one, parts, shared in ((group, details, best_details), (best, best_details, details))
            )
            lines.append(f"{group.dataset}, {metric}: {own} less {other}: {difference}")
    return lines


def baseline_row(dataset: str, split: str, verdict: str | None, metric: str, found: Estimate) -> Row:
    """The row of the k-mer baseline, which was fitted on the training rows and chose nothing."""
    value, low, high = (None if np.isnan(one) else one for one in found[:3])
    row = Row(
        dataset,
        split,
        verdict,
        KMER,
        NOTHING_CHOSEN,
        metric,
        higher_is_better(metric),
        value,
        "baseline",
        "fitted here",
    )
    return row._replace(runs=1, low=low, high=high, unit=found.unit, interval=ONE)


def published_row(score: Published, verdict: str | None) -> Row:
    """The row of a published score; what its authors do not report is None."""
    spread = f"+- {score.spread:g}" if score.spread is not None else ""
    return Row(
        score.dataset,
        "original",
        verdict,
        score.model,
        score.protocol,
        score.metric,
        higher_is_better(score.metric),
        score.value,
        "published",
        score.source,
        runs=score.seeds,
        note="; ".join(part for part in (spread, score.note) if part),
    )


def metrics_of(groups: Sequence[Group], scores: Sequence[Published], wanted: str | None) -> list[str]:
    """Which scores of a dataset are shown: the selected one, else the records' own and the one most published."""
    if wanted:
        return [wanted]
    own = [str(group.runs[-1].score_name) for group in groups]
    most = Counter(one.metric for one in scores).most_common(1)
    return list(dict.fromkeys([*own, *(name for name, _ in most)]))


def dataset_rows(
    groups: Sequence[tuple[Group, str]],
    scores: Sequence[Published],
    dataset: str,
    *,
    metric: str | None = None,
    baseline_of: BaselineOf | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[Row]:
    """All rows of one dataset: its groups of runs, each with its detail, the baseline and published scores."""
    verdicts = {group.split: verdict_of(group.runs) for group, _ in groups}
    metrics = metrics_of([group for group, _ in groups], scores, metric)
    rows = [row for group, detail in groups for row in own_rows(group, detail, metrics, tell)]
    runs: dict[tuple[str, str], RunRecord | None] = {(group.split, group.data): group.runs[-1] for group, _ in groups}
    for (split, _), run in (runs or {("original", ""): None}).items():
        found = baseline_of(dataset, split, run) if baseline_of else {}
        rows += [
            baseline_row(dataset, split, verdicts.get(split), name, found[name]) for name in metrics if name in found
        ]
    return rows + [published_row(one, verdicts.get("original")) for one in scores if one.metric in metrics]


def make_sections(rows: Sequence[Row]) -> list[Section]:
    """Rows by dataset, score and split, best first among their peers, with a rank where there are peers to rank.

    Own protocols come first, then the baseline, then what was published by other protocols; a row of unknown
    protocol has no rank.
    """
    metrics = list(dict.fromkeys(row.metric for row in rows))
    keys = sorted({(row.dataset, metrics.index(row.metric), row.split != "original", row.split) for row in rows})
    made = []
    for dataset, metric, _, split in keys:
        here = [row for row in rows if (row.dataset, row.metric, row.split) == (dataset, metrics[metric], split)]
        own = {peers(row.protocol) for row in here if row.origin == "own"}
        blocks = sorted(
            {peers(row.protocol) for row in here},
            key=lambda one: (one not in own, one != NOTHING_CHOSEN, one == "unknown", one),
        )
        ranked = [pair for block in blocks for pair in _ranked([r for r in here if peers(r.protocol) == block])]
        made.append(Section(dataset, split, metrics[metric], here[0].higher_is_better, ranked))
    return made


def _ranked(rows: Sequence[Row]) -> list[tuple[int | None, Row]]:
    def key(row: Row) -> float:
        return float("inf") if row.value is None else -row.value if row.higher_is_better else row.value

    best_first = sorted(rows, key=lambda row: (key(row), row.model, row.detail))
    alone = len(rows) < 2 or peers(rows[0].protocol) == "unknown"
    return [
        (None if alone or row.value is None else 1 + sum(key(one) < key(row) for one in rows), row)
        for row in best_first
    ]
