"""Records -> rows of a leaderboard: runs that differ in their seed alone are one row, and protocols are never mixed.

A row says on which split it was scored, what chose the tested checkpoint, and which published scores stand beside it.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genolightning.analysis.comparisons import differences, seeds_intervals
from genolightning.benchmarks.published_scores import Published
from genolightning.config.renamed_targets import with_first_names
from genolightning.errors import UserError
from genolightning.facts import higher_is_better
from genolightning.runs.record import RunRecord
from genolightning.statistics.estimate import Estimate

# Keys that change no result, or that a row tells by other means: the split's id, the checksums of its files
ELSEWHERE = {
    "": "seed resume trust choices logger protocol",
    "callbacks.": "checkpoint",
    "dataset.": "name card seed split workers on_device id train validation test folder genome genomes assembly",
    "trainer.": "_target_ accelerator devices num_nodes strategy log_every_n_steps enable_progress_bar deterministic "
    "enable_model_summary benchmark detect_anomaly inference_mode profiler use_distributed_sampler "
    "num_sanity_val_steps sync_batchnorm",
}
LEFT_OUT = [f"{group}{name}" for group, names in ELSEWHERE.items() for name in names.split()]
OFF_AT_0 = ("dataset.augment.", "model.backbone.beyond_bp", "model.backbone.unit_start")
CHOSEN = "epoch chosen on "
NOTHING_CHOSEN = "nothing chosen"
KMER = "6-mer logistic regression"
ONE, POOLED, MEAN = "rows drawn again", "rows drawn again, mean of the seeds", "mean of the seeds' intervals"

Usual = Callable[[RunRecord], tuple[list[str], dict[str, Any]] | None]


class Group(NamedTuple):
    """Runs that differ in their seed alone, and in what changes no result."""

    dataset: str
    split: str  # its id, as in the records
    model: str
    protocol: str  # which epoch was tested
    settings: dict[str, Any]
    data: str  # a hash of the dataset's files
    runs: list[RunRecord]  # one a seed, by seed


class Row(NamedTuple):
    """One score of one model on one split, with what it is to be compared with."""

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
    interval: str = ""  # how low and high came about
    note: str = ""
    folders: Sequence[str] = ()


def finished(root: Path) -> tuple[list[RunRecord], list[str]]:
    """Every run's record below a folder, oldest first, with its folder; and what was skipped, in words.

    A record that is torn, of another schema or without a key that is needed is skipped; so are those of `test`, which
    score a run a second time.
    """
    records, skipped = [], []
    for path in sorted(root.glob("**/record.json"), key=os.path.getmtime):
        try:
            record = RunRecord.read(path.parent)
        except UserError as error:
            skipped.append(f"{error}; skipped")
            continue
        if record.verb != "test":
            records.append(record)
    return records, skipped


def protocol_of(record: RunRecord) -> str:
    """Which epoch a run tested, in the record's words, or those of its status.json where the record is older."""
    if record.protocol:
        return str(record.protocol)
    try:
        watched = json.loads(((record.folder or Path()) / "status.json").read_text())["score_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{CHOSEN}validation"
    return f"{CHOSEN}{str(watched).replace('val/', 'validation ')}"


def peers(protocol: str) -> str:
    """What two protocols have in common if their scores may be ranked together.

    >>> peers("epoch chosen on validation loss"), peers("last epoch, no validation"), peers("epoch chosen on test")
    ('validation', 'last epoch', 'test')
    """
    return (
        protocol.removeprefix(CHOSEN).split(",")[0] if "last" in protocol else protocol.removeprefix(CHOSEN).split()[0]
    )


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a run's config that its result depends on, dotted; what is null or off is left out, so that a run
    made before there was such a key is of the same settings.
    """
    config = with_first_names(config)
    flat = {key: value for key, value in _leaves(config) if not (_off(key, value) or _elsewhere(key))}
    used = [key for key in flat if key.startswith(("model.optimizer.", "model.scheduler."))]
    flat |= {key.removeprefix("model."): flat.pop(key) for key in used}  # as they are typed
    if (count := _processes(config.get("trainer") or {})) > 1:  # dataset.batch_size is per process
        flat["trainer.devices"] = count
    return flat


def _leaves(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _off(key: str, value: Any) -> bool:
    return value is None or (not value and key.startswith(OFF_AT_0))


def _elsewhere(key: str) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in LEFT_OUT)


def _processes(trainer: Mapping[str, Any]) -> int:
    devices = str(trainer.get("devices") or 1).strip("[]").split(",")
    one = int(devices[0]) if len(devices) == 1 and devices[0].isdigit() else len(devices)
    return one * int(trainer.get("num_nodes") or 1)


def grouped(records: Sequence[RunRecord]) -> tuple[list[Group], list[str]]:
    """Group runs, oldest first; a seed that was run twice counts once, the later run, and a note says so."""
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        parts = [record.dataset, record.split, record.model, protocol_of(record), record.verb]
        key = json.dumps([*parts, settings(record.config), _data(record)], sort_keys=True, default=str)
        found.setdefault(key, []).append(record)
    groups, notes = [], []
    for runs in found.values():
        latest = {record.seed: record for record in runs}
        last = runs[-1]
        name = (last.dataset, last.split, last.model, protocol_of(last))
        groups.append(Group(*name, settings(last.config), _data(last), [latest[seed] for seed in sorted(latest)]))
        if twice := [seed for seed, count in Counter(one.seed for one in runs).items() if count > 1]:
            notes.append(f"{name[0]}, {name[2]}: seed {spans(twice)} was run more than once; the latest run counts")
    return sorted(groups, key=lambda one: one[:4]), notes + _notes_of_splits(groups)


def _data(record: RunRecord) -> str:
    sums = {split: sorted(files.values()) for split, files in record.data_sha256.items()}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def _notes_of_splits(groups: Sequence[Group]) -> list[str]:
    drawn = Counter(one.dataset for one in groups if one.split.startswith("random"))
    return [
        f"{name}: its test rows are drawn anew by each seed, so the seeds are no peers; dataset.seed=1 keeps the rows"
        for name, count in drawn.items()
        if count > 1
    ]


def details(groups: Sequence[Group], usual: Usual) -> list[str]:
    """What tells groups of one model apart, as it is typed: settings that differ from the shipped ones.

    `usual` gives, for a record, words that stand for many settings (`experiment=...`) and the settings they make, or
    None where the model's config is not known; then settings that its groups do not share are named.
    """
    texts = []
    for group in groups:
        siblings = [one.settings for one in groups if (one.dataset, one.model) == (group.dataset, group.model)]
        shared = {key: value for key, value in siblings[0].items() if all(one.get(key) == value for one in siblings)}
        words, base = usual(group.runs[-1]) or ([], shared)
        other = sorted(key for key in group.settings | base if group.settings.get(key) != base.get(key))
        typed = [f"{key}={json.dumps(group.settings.get(key)).replace(' ', '')}".replace('"', "") for key in other]
        verb = [one for one in [group.runs[-1].verb] if one != "train"]
        texts.append(" ".join([*verb, *words, *typed]))
    names = [(*one[:4], text) for one, text in zip(groups, texts, strict=True)]
    twins = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{text} data {one.data[:6]}".strip() if name in twins else text
        for one, text, name in zip(groups, texts, names, strict=True)
    ]


def own_rows(group: Group, detail: str, metrics: Sequence[str], tell: Callable[[str], None] | None = None) -> list[Row]:
    """A row for each score that all the group's runs have; `tell` hears of work that takes its time."""
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
    kind of protocol, and the paired interval of that. Of `names`, the groups' details, the words that the two do not
    share are said.
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
        for _, group, said in here[1:]:
            _, best, best_said = here[0]
            found = differences(group.runs, best.runs, tell).get(metric)
            told = "not tested on the same rows, or without predictions"
            if found:
                told = f"{found.value:+.3f}, {found.low:+.3f} to {found.high:+.3f}"
            own, other = (
                " ".join([one.model, *(word for word in words if word not in shared)])
                + f" (seeds {spans([run.seed for run in one.runs])})"
                for one, words, shared in ((group, said, best_said), (best, best_said, said))
            )
            lines.append(f"{group.dataset}, {metric}: {own} less {other}: {told}")
    return lines


def verdict_of(runs: Sequence[RunRecord]) -> str | None:
    """The audit's verdict in the latest record that has one."""
    found = [str(run.verdict["verdict"]) for run in runs if run.verdict]
    return found[-1] if found else None


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
    """The row of a published score; what its authors do not say is None."""
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
    """Which scores of a dataset are shown: the one asked for, else the records' own and the one most published."""
    if wanted:
        return [wanted]
    own = [str(group.runs[-1].score_name) for group in groups]
    most = Counter(one.metric for one in scores).most_common(1)
    return list(dict.fromkeys([*own, *(name for name, _ in most)]))


def sections(rows: Sequence[Row]) -> list[list[tuple[int | None, Row]]]:
    """Rows by dataset, score and split, best first among their peers, with a rank where there are peers to rank.

    Own protocols come first, then the baseline, then what was published by other protocols; what was chosen on nobody
    knows what has no rank.
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
        made.append([pair for block in blocks for pair in _ranked([r for r in here if peers(r.protocol) == block])])
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


def spans(numbers: Sequence[int]) -> str:
    """Numbers as they are read: runs of them as first-last.

    >>> spans([1, 2, 3, 7])
    '1-3,7'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in parts)
