"""The scores of a run as text and HTML: what guessing would score stands beside them."""

from typing import Any

import pytest

from genolightning.report.run_scores import (
    chance_level,
    positive_class,
    score_html,
    score_lines,
    score_rows,
    split_line,
)
from genolightning.runs.record import RunRecord
from genolightning.statistics.estimate import Estimate

NAN = float("nan")
METRICS = {
    "auroc": Estimate(0.81234, 0.75, 0.875, "row"),
    "auprc": Estimate(0.7, 0.6, 0.8, "row"),
    "f1": Estimate(0.5, 0.25, 0.75, "row"),
    "mcc": Estimate(NAN, NAN, NAN, "row"),
}


def record(**more: Any) -> RunRecord:
    values: dict[str, Any] = {
        "dataset": "toy",
        "split": "original",
        "model": "cnn",
        "seed": 1,
        "metrics": METRICS,
        "facts": {"kind": "binary", "classes": ["no", "yes"]},
        "config": {},
        "data_sha256": {},
    }
    return RunRecord(**(values | more))


def test_a_score_has_value_interval_and_chance_and_one_that_does_not_exist_has_none():
    rows = {name: rest for name, *rest in score_rows(record())}
    assert rows["auroc"] == ["0.8123", "0.7500 to 0.8750", "0.5"]
    assert rows["f1"] == ["0.5000", "0.2500 to 0.7500", ""]
    assert rows["mcc"] == ["none", "", ""]


def test_chance_of_auprc_is_the_share_of_positives():
    assert chance_level("auprc", record()) is None
    with_share = record(metrics=METRICS | {"prevalence": Estimate(0.3, 0.2, 0.4, "row")})
    assert chance_level("auprc", with_share) == 0.3
    assert [chance_level(name, record()) for name in ("mcc", "bits_per_base", "accuracy")] == [0, 2, None]


@pytest.mark.parametrize(
    ("kind", "classes", "positive"),
    [("binary", ["no", "yes"], "yes"), ("multiclass", ["a", "b", "c"], None), ("regression", [], None)],
)
def test_only_two_classes_have_a_positive_one(kind, classes, positive):
    facts = {"kind": kind, "classes": classes}
    assert positive_class(facts) == positive
    assert (score_lines(record(facts=facts))[-1] == "positive class: yes") == (positive is not None)


def test_lines_are_aligned_below_a_head():
    lines = score_lines(record())
    assert lines[0].split()[:3] == ["test", "score", "value"]
    assert len({line.index("0 to") for line in lines if " to " in line}) == 1
    assert len(lines) == 1 + len(METRICS) + 1


def test_the_audit_of_the_split_is_one_line():
    assert split_line(record()) is None
    verdict = {"verdict": "leaky", "reasons": ["2 % repeat", "overlaps"]}
    assert split_line(record(verdict=verdict)) == "split original: leaky; 2 % repeat; overlaps"


def test_html_escapes_what_a_dataset_names():
    page = score_html(record(facts={"kind": "binary", "classes": ["no", "<b>&yes"]}))
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;yes" in page
    assert page.count("<tr>") == 1 + len(METRICS)
