"""The leaderboard as a page: datasets down, models across, and where a model loses against what is published."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genolightning import __version__
from genolightning.analysis.leaderboard import KMER, MEAN
from genolightning.analysis.run_table import CHOSEN, spans
from genolightning.runs.environment import git_commit

if TYPE_CHECKING:
    from genolightning.analysis.leaderboard import Row
    from genolightning.runs.record import RunRecord

FEW = 3  # published models that get a column each; of more, only the best one, in one column

Line = tuple[str, str]  # dataset, split id


class Column(NamedTuple):
    """One model across datasets."""

    title: str
    rows: "dict[Line, Row]"


def leaderboard_page(rows: "Sequence[Row]", records: "Sequence[RunRecord]", command: str) -> list[str]:
    """The page as lines of Markdown."""
    lines = ["# Leaderboard", "", *_how_made(records, command), *_how_read(rows)]
    for metric, kind in dict.fromkeys((row.metric, _kind(row)) for row in rows if row.origin == "own" or not records):
        here = [row for row in rows if (row.metric, _kind(row)) == (metric, kind)]
        lines += ["", f"## {metric}, {kind} split", "", *_table(here), *_losses(here)]
    return [*lines, *_published(rows)]


def _kind(row: "Row") -> str:
    return row.split.partition("-")[0]


def _how_made(records: "Sequence[RunRecord]", command: str) -> list[str]:
    at = git_commit()
    here = "outside a checkout" if at is None else f"commit {at['commit'][:12]}{', changed since' * at['changed']}"
    lines = ["Made by", "```console", command, "```", f"with genolightning {__version__}, {here}."]
    if not records:
        return lines
    for name in ("genolightning", "torch", "lightning"):
        found = sorted({str((one.versions or {}).get(name)) for one in records})
        lines.append(f"Runs were made with {name} {', '.join(found)}.")
    commits = sorted({str(one.git["commit"])[:12] for one in records if one.git})
    if commits:
        lines.append(f"Their commits: {', '.join(commits)}.")
    lines.append(f"{len(records)} runs count, seeds {spans(sorted({one.seed for one in records}))}.")
    return lines


def _how_read(rows: "Sequence[Row]") -> list[str]:
    own = [row for row in rows if row.origin == "own"]
    lines = [
        "",
        "A cell: the mean over the seeds, the 95 % interval of that mean when the test rows are drawn again, `±` the",
        "standard deviation over the seeds, and in brackets how many seeds there are.",
    ]
    if any(row.interval == MEAN for row in own):
        lines.append("`~`: the mean of the seeds' own intervals.")
    protocols = sorted({row.protocol for row in own})
    lines += [f"Protocol of own runs: {protocol}; the test split chose nothing." for protocol in protocols]
    if any(row.origin == "baseline" for row in rows):
        lines.append(f"{KMER}: fitted on the training rows, nothing was chosen.")
    if any(row.origin == "published" for row in rows):
        lines.append("Published scores were made by protocols of their own, named below; they are no peers.")
    return lines


def _columns(rows: "Sequence[Row]") -> tuple[list[Column], list[Column]]:
    """Columns of own runs, and those shown next to them."""
    own = [row for row in rows if row.origin == "own"]
    protocols = {row.protocol for row in own}
    found: dict[str, dict[Line, Row]] = {}
    for row in own:
        title = f"{row.model} `{row.detail}`" if row.detail else row.model
        title += f", {row.protocol}" if len(protocols) > 1 else ""
        found.setdefault(title, {})[row.dataset, row.split] = row
    references: dict[str, dict[Line, Row]] = {}
    for row in rows:
        if row.origin == "baseline":
            references.setdefault(KMER, {})[row.dataset, row.split] = row
    titles = column_models(rows)
    for row in rows:
        if row.origin == "published" and row.model in titles:
            references.setdefault(row.model, {})[row.dataset, row.split] = row
    best = best_published(rows)
    if best and not titles:
        references["best published"] = best
    return [Column(*one) for one in found.items()], [Column(*one) for one in references.items()]


def column_models(rows: "Sequence[Row]") -> list[str]:
    """Published models that get columns: those with a score for half the datasets, if they are few."""
    counts = Counter(row.model for row in rows if row.origin == "published")
    datasets = {row.dataset for row in rows}
    titles = [name for name, count in counts.items() if 2 * count >= len(datasets)]
    return titles if len(titles) <= FEW else []


def best_published(rows: "Sequence[Row]") -> "dict[Line, Row]":
    """The best published score of each dataset, by whatever protocol."""
    best: dict[Line, Row] = {}
    for row in rows:
        if row.origin == "published":
            known = best.get((row.dataset, row.split))
            if known is None or _ahead(row, known) > 0:
                best[row.dataset, row.split] = row
    return best


def _ahead(row: "Row", other: "Row") -> float:
    """How much better a row's value is than another's; NaN where one has none."""
    if row.value is None or other.value is None:
        return float("nan")
    return row.value - other.value if row.higher_is_better else other.value - row.value


def _table(rows: "Sequence[Row]") -> list[str]:
    own, references = _columns(rows)
    every = [*own, *references]
    lines = ["| dataset | " + " | ".join(one.title for one in every) + " |", "|---" * (1 + len(every)) + "|"]
    places = sorted({(row.dataset, row.split) for row in rows})
    judged = {(row.dataset, row.split): row.verdict for row in rows if row.verdict}
    for place in places:
        dataset, split = place
        name = dataset + (f" `{split}`" if "-" in split else "")
        name += f" (**{judged[place]}**)" if judged.get(place, "clean") != "clean" else ""
        cells = [_cell(one.rows.get(place), named=one.title == "best published") for one in every]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for shared in _sets(own):
        whose = "all own columns have" if all(shared <= set(one.rows) for one in own) else "some own columns have"
        means = [_mean(one, sorted(shared)) for one in every]
        lines.append(f"| mean of the {len(shared)} that {whose} | " + " | ".join(means) + " |")
    return lines


def _sets(own: Sequence[Column]) -> list[frozenset[Line]]:
    """The sets of datasets that means are taken of: each column's own, and what all of them share; largest first."""
    found = {frozenset(one.rows) for one in own}
    if found:
        found.add(frozenset.intersection(*found))
    return sorted((one for one in found if len(one) > 1), key=lambda one: (-len(one), sorted(one)))


def _mean(column: Column, shared: Sequence[Line]) -> str:
    """The mean over datasets, of a column that has them all and is one model by one protocol."""
    found = [column.rows[place] for place in shared if place in column.rows]
    values = [row.value for row in found if row.value is not None]
    whole = len(values) == len(shared) and len({row.protocol for row in found}) == 1
    return f"{np.mean(values):.3f}" if whole and column.title != "best published" else ""


def _cell(row: "Row | None", *, named: bool) -> str:
    if row is None or row.value is None:
        return ""
    text = f"{row.value:.3f}"
    if named:
        return f"{text} {row.model} ({row.protocol.removeprefix(CHOSEN)})"
    if row.low is not None:
        text += f" {'~' * (row.interval == MEAN)}[{row.low:.3f}, {row.high:.3f}]"
    if row.sd is not None:
        text += f" ± {row.sd:.3f}"
    return text + (f" ({len(row.seeds)})" if row.origin == "own" else "")


def _losses(rows: "Sequence[Row]") -> list[str]:
    """For each own column, the datasets where the best published score, or the baseline, is better."""
    own, references = _columns(rows)
    kmer = next((one.rows for one in references if one.title == KMER), {})
    rivals = [("the best published score", best_published(rows)), (f"the {KMER}", kmer)]
    lines: list[str] = []
    for column in own:
        for name, rival in rivals:
            met = [place for place in column.rows if place in rival]
            lost = [place for place in met if _ahead(rival[place], column.rows[place]) > 0]
            if met:
                losses = ": " + "; ".join(_loss(column.rows[place], rival[place]) for place in lost) if lost else ""
                lines.append(f"- {column.title} is below {name} on {len(lost)} of {len(met)} datasets{losses}")
    return ["", "Where own models lose", "", *lines] if lines else []


def _loss(row: "Row", rival: "Row") -> str:
    whose = f" of {rival.model} (protocol {rival.protocol})" if rival.origin == "published" else ""
    inside = row.low is not None and row.high is not None and row.low <= (rival.value or 0) <= row.high
    return f"{row.dataset} {row.value:.3f} against {rival.value:.3f}{whose}" + ", inside its interval" * inside


def _published(rows: "Sequence[Row]") -> list[str]:
    found = [row for row in rows if row.origin == "published"]
    if not found:
        return []
    lines = ["", "## Published scores and their protocols", ""]
    lines += ["| dataset | model | score | value | protocol | source | note |", "|---" * 7 + "|"]
    for row in sorted(found, key=lambda one: (one.dataset, one.metric, one.model, one.source)):
        cells = [row.dataset, row.model, row.metric, f"{row.value:.3f}", row.protocol, row.source, row.note]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
