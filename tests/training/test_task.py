"""What every task does with a batch before the model reads it."""

import pytest
import torch

from genolightning.batch import Batch
from genolightning.facts import TARGET_KINDS, Facts
from genolightning.training.task import Task
from genolightning.training.tasks import for_facts


@pytest.mark.parametrize(
    ("stored", "widened"),
    [("int8", "int64"), ("uint8", "int64"), ("int64", "int64"), ("float16", "float32"), ("float64", "float64")],
)
def test_narrow_targets_are_widened_and_no_label_stays(stored, widened):
    values = [1, 0, 3] if stored == "uint8" else [1, 0, float("nan") if "float" in stored else -100]
    target = torch.tensor(values).to(getattr(torch, stored))
    prepared = Task().prepare(Batch(torch.zeros(3, 2, dtype=torch.uint8), torch.full((3,), 2), target, torch.arange(3)))
    assert prepared.target.dtype == getattr(torch, widened)
    torch.testing.assert_close(prepared.target.double(), target.double(), equal_nan=True)


@pytest.mark.parametrize("kind", TARGET_KINDS, ids=lambda kind: kind.name)
def test_there_is_a_task_for_every_kind_with_as_many_outputs_as_its_kind_has(kind):
    facts = Facts(kind.name, ["a", "b"] if kind.class_targets else [], 8, 8, rows={"train": 1})
    task = for_facts(facts)
    codes = torch.randint(0, 4, (3, 8), dtype=torch.uint8)
    target = (
        codes.long()
        if kind.language_model
        else torch.zeros(3, 2).long()
        if kind.label_axis
        else torch.zeros(3).to(torch.float32 if kind.real_targets else torch.int64)
    )
    batch = task.prepare(Batch(codes, torch.full((3,), 8), target, torch.arange(3)))
    logits = torch.randn(3, 8, facts.outputs) if kind.language_model else torch.randn(3, facts.outputs)
    assert task.loss(logits, batch.target).isfinite()
    assert len(task.predict(logits, batch)) == 3
