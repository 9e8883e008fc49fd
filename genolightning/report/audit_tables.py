"""An audit of a dataset's split as lines of text."""

import os
import sys
from typing import TYPE_CHECKING, Any

from genolightning.console import columns

if TYPE_CHECKING:
    from genolightning.benchmarks.audit.leakage import Audit

RED, PLAIN = "\033[1;31m", "\033[0m"
SHORTCUTS = {
    "majority_accuracy": "the most frequent class",
    "lookup_accuracy": "look-up: class of the training interval it overlaps most",
    "length_accuracy": "length: majority class of the training rows as long",
    "composition_auc": "composition: AUROC of logistic regression on base frequencies",
}
LEAKS = {
    "test_exact": "test rows that repeat a training row, either strand",
    "test_overlap": "test rows that overlap a training row",
    "test_overlap_half": "test rows that share half of both with a training row",
    "test_near": "test rows at least 80 % alike to a training row",
}


def coloured(verdict: str, text: str | None = None) -> str:
    """The verdict, or a text about it, in red where it is not clean and the output is a terminal."""
    red = verdict != "clean" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"{RED}{text or verdict}{PLAIN}" if red else text or verdict


def audit_lines(audit: "Audit") -> list[str]:
    """The audit as lines of text: verdict and reasons, shortcuts, leaks, duplicates, a table of classes, notes."""
    values = audit._asdict()
    lines = [f"{audit.dataset}, split {audit.split}: {coloured(audit.verdict)}", *(f"  {r}" for r in audit.reasons)]
    lines += ["", "what works without reading DNA (accuracy on the test rows)", *_lines(SHORTCUTS, values, "{:.3f}")]
    lines += ["", "test rows that training has seen", *_lines(LEAKS, values, "{:.2%}")]
    lines += ["", "the same sequence again, either strand", *_lines(_counts(audit), values, "{:,}")]
    if audit.similarity_to_train:
        lines += ["", "similarity of the nearest training sequence: share of test rows"]
        lines += [f"  {low:<6}{share:8.2%}" for low, share in audit.similarity_to_train.items()]
    if audit.by_class:
        lines += ["", *(f"  {line}" for line in _class_table(audit.by_class))]
    return lines + [f"note: {note}" for note in audit.notes]


def kmer_lines(scores: dict[str, Any]) -> list[str]:
    """The accuracy of 6-mer models, for all test rows and by similarity to the training rows."""
    head = ["similarity to train", "test rows", "6-mer regression", "nearest 6-mer neighbour"]
    rows = []
    for low, entry in scores.items():
        values = ["" if entry[name] is None else f"{entry[name]:.3f}" for name in ("logistic", "neighbour")]
        rows.append([low, f"{entry['rows']:,}", *values])
    return ["", "accuracy worth beating", *(f"  {line}" for line in columns([head, *rows], right=range(1, 4)))]


def _counts(audit: "Audit") -> dict[str, str]:
    return {
        "duplicates_train": f"of {audit.rows['train']:,} training rows, those that repeat an earlier one",
        "duplicates_test": f"of {audit.rows['test']:,} test rows, those that repeat an earlier one",
        "cross_split_duplicates": "sequences that stand in train and test",
        "conflicting_labels": "of these, those with more than one label",
        "conflicting_train": "sequences with more than one label inside train",
        "conflicting_test": "sequences with more than one label inside test",
    }


def _lines(meanings: dict[str, str], values: dict[str, Any], form: str) -> list[str]:
    return [
        f"  {'not known' if values[key] is None else form.format(values[key]):>9}  {text}"
        for key, text in meanings.items()
    ]


def _class_table(by_class: dict[str, dict[str, Any]]) -> list[str]:
    head = ["class", "train", "test", "repeated", "overlapping", "half shared", "merged loci"]
    rows = []
    for label, facts in by_class.items():
        shares = [facts[key] for key in ("test_exact", "test_overlap", "test_overlap_half")]
        cells = ["" if share is None else f"{share:.2%}" for share in shares]
        loci = "" if facts["loci"] is None else f"{facts['loci']:,}"
        rows.append([label, f"{facts['train']:,}", f"{facts['test']:,}", *cells, loci])
    return columns([head, *rows], right=range(1, len(head)))
