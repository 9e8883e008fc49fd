"""An audit as text: every number that was computed is printed, and one that was not is called so."""

import sys

import pytest

from genolightning.benchmarks.audit.leakage import Audit
from genolightning.report.audit_tables import RED, audit_lines, coloured, kmer_lines

CLEAN = Audit(
    dataset="toy",
    split="original",
    rows={"train": 1200, "test": 300},
    verdict="clean",
    reasons=[],
    majority_accuracy=0.5,
    lookup_accuracy=None,
    length_accuracy=0.625,
    composition_auc=0.71,
    test_exact=0.0125,
    test_overlap=None,
    test_overlap_half=None,
    test_near=0.0,
    duplicates_train=1001,
    duplicates_test=2,
    cross_split_duplicates=3,
    conflicting_labels=None,
    conflicting_train=0,
    conflicting_test=0,
    similarity_to_train=None,
    by_class={},
    notes=[],
)


def line_of(lines: list[str], words: str) -> list[str]:
    (line,) = [line for line in lines if words in line]
    return line.split()


def test_numbers_have_their_units_and_missing_ones_are_not_known():
    lines = audit_lines(CLEAN)
    assert lines[0] == "toy, split original: clean"
    assert line_of(lines, "the most frequent class")[0] == "0.500"
    assert line_of(lines, "repeat a training row")[0] == "1.25%"
    assert line_of(lines, "of 1,200 training rows")[0] == "1,001"
    assert sum(line.strip().startswith("not known") for line in lines) == 4
    assert not [line for line in lines if "similarity" in line or line.startswith("note")]


def test_reasons_follow_the_verdict_and_notes_come_last():
    lines = audit_lines(CLEAN._replace(verdict="leaky", reasons=["2 % repeat"], notes=["no genome", "no label"]))
    assert lines[:2] == ["toy, split original: leaky", "  2 % repeat"]
    assert lines[-2:] == ["note: no genome", "note: no label"]


def test_similarities_and_classes_get_a_table_each():
    classes = {"no": {"train": 1000, "test": 9, "test_exact": 0.5, "test_overlap": None, "test_overlap_half": None}}
    audit = CLEAN._replace(similarity_to_train={"0.8": 0.25}, by_class={"no": classes["no"] | {"loci": None}})
    lines = audit_lines(audit)
    assert "  0.8     25.00%" in lines
    assert line_of(lines, "merged loci")[:3] == ["class", "train", "test"]
    assert lines[-1].split() == ["no", "1,000", "9", "50.00%"]


@pytest.mark.parametrize(
    ("verdict", "terminal", "no_colour", "red"),
    [("leaky", True, "", True), ("clean", True, "", False), ("leaky", False, "", False), ("leaky", True, "1", False)],
)
def test_only_a_fault_on_a_terminal_that_wants_colours_is_red(monkeypatch, verdict, terminal, no_colour, red):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("NO_COLOR", no_colour)
    assert coloured(verdict, "text").startswith(RED) == red
    assert "text" in coloured(verdict, "text")
    assert verdict in coloured(verdict)


def test_models_of_kmers_that_could_not_be_fitted_leave_an_empty_cell():
    scores = {
        "all": {"rows": 1500, "logistic": 0.8, "neighbour": 0.75},
        "0.9": {"rows": 3, "logistic": None, "neighbour": 1.0},
    }
    lines = kmer_lines(scores)
    assert [line.split() for line in lines[-2:]] == [["all", "1,500", "0.800", "0.750"], ["0.9", "3", "1.000"]]
    assert lines[-1].index("1.000") == lines[-2].index("0.750")
