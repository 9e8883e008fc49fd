"""Records -> groups of runs: those that differ in their seed alone are one group, and protocols are never mixed."""

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genolightning.errors import UserError
from genolightning.runs.record import RunRecord

# Keys that change no result, or that a row shows in other columns: the split's id, the checksums of its files
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
COLUMNS = ("dataset.sequence", "dataset.label", "dataset.id")  # names of a table's columns, not a choice of a model

# for a record: overrides that set many keys at once (`experiment=...`), and the settings they make
DefaultsOf = Callable[[RunRecord], tuple[list[str], dict[str, Any]] | None]


class Group(NamedTuple):
    """Runs that differ in their seed alone, and in what changes no result."""

    dataset: str
    split: str  # its id, as in the records
    model: str
    protocol: str  # which epoch was tested
    settings: dict[str, Any]
    data: str  # a hash of the dataset's files
    runs: list[RunRecord]  # one a seed, by seed


def finished(root: Path) -> tuple[list[RunRecord], list[str]]:
    """Every run's record below a folder, oldest first, with its folder; and a note for each one skipped.

    A record that is incomplete JSON, of another schema or without a required key is skipped; so are records of `test`,
    which score a run a second time.
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


def is_rehearsal(record: RunRecord) -> bool:
    """Whether a run was made with trainer=debug, which trains on a part of the rows only."""
    return (record.config.get("choices") or {}).get("trainer") == "debug"


def protocol_of(record: RunRecord) -> str:
    """Which epoch a run tested, as its record describes it, or its status.json where the record is older."""
    if record.protocol:
        return str(record.protocol)
    try:
        watched = json.loads(((record.folder or Path()) / "status.json").read_text())["score_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{CHOSEN}validation"
    return f"{CHOSEN}{str(watched).replace('val/', 'validation ')}"


def peers(protocol: str) -> str:
    """The group of a protocol: scores may be ranked together if their protocols are of one group.

    >>> peers("epoch chosen on validation loss"), peers("last epoch, no validation"), peers("epoch chosen on test")
    ('validation', 'last epoch', 'test')
    """
    return (
        protocol.removeprefix(CHOSEN).split(",")[0] if "last" in protocol else protocol.removeprefix(CHOSEN).split()[0]
    )


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a run's config that its result depends on, dotted; a key that is null or off is left out, so that
    a run made before the key existed has the same settings.
    """
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
    """Group runs, oldest first; a seed that was run twice counts once, the later run, and a note reports it."""
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
    splits = defaultdict(set)
    for group in groups:
        if group.split.startswith("random"):
            splits[group.dataset].add(group.split)
    return [
        f"{name}: its test rows are drawn anew by each seed, so the seeds are no peers; dataset.seed=1 keeps the rows"
        for name, drawn in splits.items()
        if len(drawn) > 1
    ]


def details(groups: Sequence[Group], defaults_of: DefaultsOf) -> list[str]:
    """The settings that distinguish groups of one model, as overrides: those that differ from the shipped ones.

    `defaults_of` gives, for a record, overrides that set many keys at once (`experiment=...`) and the settings they
    make, or None where the model's config is not known; then settings that its groups do not share are named.
    """
    texts = []
    for group in groups:
        siblings = [one.settings for one in groups if (one.dataset, one.model) == (group.dataset, group.model)]
        shared = {key: value for key, value in siblings[0].items() if all(one.get(key) == value for one in siblings)}
        words, base = defaults_of(group.runs[-1]) or ([], shared)
        differing = [key for key in group.settings | base if group.settings.get(key) != base.get(key)]
        other = sorted(key for key in differing if key not in COLUMNS)
        typed = [f"{key}={json.dumps(group.settings.get(key)).replace(' ', '')}".replace('"', "") for key in other]
        verb = [one for one in [group.runs[-1].verb] if one != "train"]
        texts.append(" ".join([*verb, *words, *typed]))
    names = [(*one[:4], text) for one, text in zip(groups, texts, strict=True)]
    twins = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{text} data {one.data[:6]}".strip() if name in twins else text
        for one, text, name in zip(groups, texts, names, strict=True)
    ]


def verdict_of(runs: Sequence[RunRecord]) -> str | None:
    """The audit's verdict in the latest record that has one."""
    found = [str(run.verdict["verdict"]) for run in runs if run.verdict]
    return found[-1] if found else None


def spans(numbers: Sequence[int]) -> str:
    """Format integers in short form: consecutive ones as first-last.

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
