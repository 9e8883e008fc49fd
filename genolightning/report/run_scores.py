"""The scores of one run as lines or HTML: value, 95 % interval, and what guessing would score."""

from collections.abc import Mapping
from html import escape
from typing import Any

from genolightning.console import columns
from genolightning.facts import target_kind
from genolightning.runs.record import RunRecord

CHANCE = dict.fromkeys(("mcc", "mcc_tuned", "pearson", "spearman", "r2"), 0.0) | {
    "auroc": 0.5,
    "perplexity": 4.0,
    "bits_per_base": 2.0,
}
HEAD = ("test score", "value", "95 % interval", "chance")


def score_rows(record: RunRecord) -> list[list[str]]:
    """A row a score: name, value, interval, and the score of a guess where that is a known number."""
    rows = []
    for name, score in record.metrics.items():
        if score.exists:
            chance = chance_level(name, record)
            interval = f"{score.low:.4f} to {score.high:.4f}"
            rows.append([name, f"{score.value:.4f}", interval, "" if chance is None else f"{chance:.4g}"])
        else:
            rows.append([name, "none", "", ""])
    return rows


def chance_level(name: str, record: RunRecord) -> float | None:
    """What a guess scores: .5 for AUROC, the share of positives for AUPRC, 0 for correlations; None where unknown."""
    if name == "auprc" and "prevalence" in record.metrics:
        return record.metrics["prevalence"].value
    return CHANCE.get(name)


def score_lines(record: RunRecord) -> list[str]:
    """The test scores of a record as an aligned table, and which class is the positive one."""
    lines = columns([list(HEAD), *score_rows(record)], right=[1])
    positive = positive_class(record.facts)
    return [*lines, *([f"positive class: {positive}"] if positive else [])]


def positive_class(facts: Mapping[str, Any]) -> str | None:
    """Of two classes the one that f1, auroc and auprc are about: the last of the sorted names."""
    return str(facts["classes"][1]) if target_kind(facts["kind"]).two_classes else None


def split_line(record: RunRecord) -> str | None:
    """The audit's verdict on the split; None where the record has none."""
    if record.verdict is None:
        return None
    reasons = "".join(f"; {reason}" for reason in record.verdict["reasons"])
    return f"split {record.split}: {record.verdict['verdict']}{reasons}"


def score_html(record: RunRecord) -> str:
    """The test scores of a record as an HTML table, for notebooks."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in HEAD)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in score_rows(record))
    positive = positive_class(record.facts)
    notes = [f"positive class: {positive}"] if positive else []
    notes += [line for line in (split_line(record),) if line]
    return f"<table><tr>{head}</tr>{body}</table>" + "".join(f"<p>{escape(note)}</p>" for note in notes)
