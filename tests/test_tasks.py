"""Tasks: places without a label do not count, weights weigh, and validation scores are the test scores' twins."""

import numpy as np
import pytest
import torch

from genolightning.benchmarks.rows import NO_LABEL, Facts
from genolightning.errors import UserError
from genolightning.statistics.evaluate import evaluate
from genolightning.tasks import for_facts


def facts(kind: str, classes: int = 2, **more) -> Facts:
    names = [str(i) for i in range(classes)]
    return Facts(kind=kind, classes=names, length_bp=10, shortest_bp=10, rows={"train": 100}, **more)


CASES = {
    "binary": (torch.randn(50, 1), torch.randint(0, 2, (50,))),
    "multiclass": (torch.randn(50, 3), torch.randint(0, 3, (50,))),
    "multilabel": (torch.randn(50, 3), torch.randint(0, 2, (50, 3))),
    "regression": (torch.randn(50, 1), torch.randn(50)),
}


@pytest.mark.parametrize("kind", list(CASES))
def test_rows_without_a_label_change_no_loss(kind):
    task = for_facts(facts(kind, 2 if kind == "binary" else 3))
    logits, target = CASES[kind]
    unknown = torch.full_like(target[:7], float("nan") if kind == "regression" else NO_LABEL)
    more = task.loss(torch.cat([logits, torch.randn(7, logits.shape[1])]), torch.cat([target, unknown]))
    assert torch.isclose(more, task.loss(logits, target))


@pytest.mark.parametrize("kind", list(CASES))
def test_validation_scores_are_those_of_the_statistics_room(kind):
    task = for_facts(facts(kind, 2 if kind == "binary" else 3))
    logits, target = CASES[kind]
    metrics = task.metrics()
    for rows in (slice(0, 20), slice(20, 50)):
        metrics.update(*task.observed(logits[rows], target[rows]))
    classes = [] if kind == "regression" else ["a", "b", "c"][: 2 if kind == "binary" else 3]
    stated = evaluate(
        kind, target.numpy(), task.probabilities(logits).numpy().astype(np.float64), classes=classes, resamples=10
    )
    for name, value in metrics.compute().items():
        assert float(value) == pytest.approx(stated[name].value, abs=1e-6), name


def test_balanced_weights_give_each_class_the_same_say():
    weighted = for_facts(facts("binary", class_counts=[90, 10]), class_weights="balanced")
    logits = torch.zeros(100, 1, requires_grad=True)
    target = (torch.arange(100) >= 90).long()
    weighted.loss(logits, target).backward()
    gradient = logits.grad.flatten()
    assert torch.isclose(gradient[:90].sum(), -gradient[90:].sum())


def test_a_regression_predicts_in_the_units_of_its_target():
    task = for_facts(facts("regression", 0, target_mean=20.0, target_sd=5.0))
    target = torch.tensor([10.0, 30.0])
    logits = torch.tensor([[-2.0], [2.0]])
    assert task.loss(logits, target) == 0
    assert torch.allclose(task.probabilities(logits), target)


def test_an_unknown_kind_lists_the_real_ones():
    with pytest.raises(UserError, match="wanted binary, multiclass"):
        for_facts(facts("ordinal"))
