"""Tasks: places without a label do not count, weights weigh, and validation scores are computed as test scores are."""

import numpy as np
import pytest
import torch

from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts
from genolightning.statistics.evaluate import evaluate
from genolightning.training.tasks import for_facts


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
        metrics.update(*task.metric_inputs(logits[rows], target[rows]))
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


def test_a_label_weighs_by_the_rows_known_to_lack_it():
    task = for_facts(facts("multilabel", 2, class_counts=[16, 4], absent_counts=[16, 8]), class_weights="balanced")
    assert task.weights.tolist() == [1, 2]  # the other 88 rows of the second label are unknown


def test_labels_that_nobody_looked_for_do_not_count_in_the_validation_score():
    task = for_facts(facts("multilabel", 3))
    logits, target = CASES["multilabel"]
    target = torch.stack([target[:, 0], torch.full((50,), NO_LABEL), torch.ones(50, dtype=torch.long)], 1)
    metrics = task.metrics()
    metrics.update(*task.metric_inputs(logits, target))
    alone = for_facts(facts("binary")).metrics()
    alone.update(torch.sigmoid(logits[:, 0]), target[:, 0])
    assert torch.isclose(metrics.compute()["auroc"], alone.compute()["auroc"])
    metrics.reset()
    metrics.update(*task.metric_inputs(logits, torch.full_like(target, NO_LABEL)))
    assert metrics.compute()["auroc"] == 0.5


def test_a_wish_for_class_weights_where_there_are_none_is_refused():
    with pytest.raises(UserError, match="no classes to weigh"):
        for_facts(facts("regression", 0), class_weights="balanced")


def test_a_regression_predicts_in_the_units_of_its_target():
    task = for_facts(facts("regression", 0, target_mean=20.0, target_sd=5.0))
    target = torch.tensor([10.0, 30.0])
    logits = torch.tensor([[-2.0], [2.0]])
    assert task.loss(logits, target) == 0
    assert torch.allclose(task.probabilities(logits), target)


def test_an_unknown_kind_lists_the_real_ones():
    with pytest.raises(UserError, match="wanted binary, multiclass"):
        for_facts(facts("ordinal"))
