"""Tasks: what a target means. A loss, probabilities, and which validation score to watch."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryAUROC,
    BinaryMatthewsCorrCoef,
    MulticlassAccuracy,
    MulticlassAUROC,
    MulticlassMatthewsCorrCoef,
    MultilabelAUROC,
)
from torchmetrics.functional.classification import binary_auroc
from torchmetrics.regression import PearsonCorrCoef, R2Score
from torchmetrics.utilities.data import dim_zero_cat

from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, TARGET_KINDS, Facts
from genolightning.training.language_tasks import CausalLM, MaskedLM
from genolightning.training.task import Task


def for_facts(
    facts: Facts, *, class_weights: str | None = None, own: Mapping[str, Callable[..., Task]] | None = None
) -> Task:
    """The task of a dataset. `class_weights="balanced"` weighs classes by the inverse of their training counts.

    `own` holds, by kind, what is called in place of the class here, with the same arguments.
    """
    own, kind = own or {}, facts.target_kind
    names = [known.name for known in TARGET_KINDS]
    if wrong := sorted(set(own) - set(names)):
        raise UserError(f"task.{wrong[0]}: no such kind; there are {', '.join(names)}")
    if class_weights is not None and not kind.class_targets:
        raise UserError(
            f"class_weights={class_weights}: dataset.kind={kind.name} has no classes to weigh; leave it out"
        )
    if class_weights not in (None, "balanced"):
        raise UserError(f"class_weights={class_weights}: wanted null or balanced")
    weights = _balanced(facts) if class_weights else None
    make, arguments = _usual(facts, weights)
    return own.get(kind.name, make)(*arguments)


def _usual(facts: Facts, weights: Tensor | None) -> tuple[Callable[..., Task], tuple[Any, ...]]:
    """The class for a kind of target, and its arguments."""
    kind, classes = facts.target_kind, len(facts.classes)
    if kind.language_model:
        return (CausalLM if kind.causal else MaskedLM), ()
    if kind.real_targets:
        return Regression, (facts.target_mean, facts.target_sd)
    if kind.label_axis:
        return Multilabel, (classes, weights)
    return (Binary, (weights,)) if kind.single_output else (Multiclass, (classes, weights))


def _balanced(facts: Facts) -> Tensor | None:
    """Weight of each class, n / (classes * count); of each label's positives, negatives / positives."""
    counts = torch.tensor(facts.class_counts, dtype=torch.float32)
    if facts.target_kind.label_axis:
        absent = facts.absent_counts or [facts.rows["train"] - count for count in facts.class_counts]
        return torch.tensor(absent, dtype=torch.float32) / counts.clamp(min=1)
    return counts.sum() / (len(counts) * counts.clamp(min=1)) if len(counts) else None


class Binary(Task):
    """Two classes, one logit a place: logits (batch, 1) or (batch, places, 1), target (batch,) or (batch, places)."""

    monitor, mode = "loss", "min"  # a proper score: ranks alone would pass an epoch whose .5 is out of place
    weights: Tensor | None

    def __init__(self, weights: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar."""
        logits = logits.squeeze(-1)
        known = target != NO_LABEL
        weight = known.to(logits.dtype)
        if self.weights is not None:
            weight = weight * self.weights[target.clamp(min=0)]
        total = F.binary_cross_entropy_with_logits(
            logits, target.clamp(min=0).to(logits.dtype), weight, reduction="sum"
        )
        return total / weight.sum().clamp(min=1e-6)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probability of the second class, (batch,) or (batch, places)."""
        return torch.sigmoid(logits.squeeze(-1).float())

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics."""
        return MetricCollection({"auroc": BinaryAUROC(), "accuracy": BinaryAccuracy(), "mcc": BinaryMatthewsCorrCoef()})

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Labelled places: predictions and targets, both (labelled,)."""
        known = target != NO_LABEL
        return self.probabilities(logits)[known], target[known]


class DoubleSigmoid(Binary):
    """Two classes as Genomic Benchmarks trained them in 2023: the loss takes the sigmoid of a sigmoid.

    It cannot fall below .693 on rows of the first class and .313 on rows of the second, and gradients are damped.
    Probabilities are the first sigmoid's.
    """

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar."""
        return super().loss(torch.sigmoid(logits), target)


class Multiclass(Task):
    """Several classes, one of them true: logits (batch, classes) or (batch, places, classes)."""

    monitor, mode = "loss", "min"
    weights: Tensor | None

    def __init__(self, classes: int, weights: Tensor | None = None) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar."""
        target = target.flatten()
        total = F.cross_entropy(logits.flatten(0, -2), target, self.weights, ignore_index=NO_LABEL, reduction="sum")
        known = (target != NO_LABEL).to(total.dtype)
        if self.weights is not None:
            known = known * self.weights[target.clamp(min=0)]
        return total / known.sum().clamp(min=torch.finfo(total.dtype).tiny)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(batch, classes) or (batch, places, classes), each summing to one."""
        return torch.softmax(logits.float(), -1)

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics."""

        def options() -> dict[str, Any]:
            return {"num_classes": self.classes}

        return MetricCollection(
            {
                "auroc": MulticlassAUROC(**options()),
                "accuracy": MulticlassAccuracy(**options(), average="micro"),
                "mcc": MulticlassMatthewsCorrCoef(**options()),
            }
        )

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Labelled places: probabilities (labelled, classes) and class ids (labelled,)."""
        known = target != NO_LABEL
        return self.probabilities(logits)[known], target[known]


class KnownLabelsAUROC(MultilabelAUROC):
    """The mean AUROC of the labels that have rows with and rows without them, as the test's; .5 where none has."""

    def compute(self) -> Tensor:  # type: ignore[override]  # of a class that has curves
        """The score so far, a scalar."""
        preds, target = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        known = ((target == 0).any(0) & (target == 1).any(0)).nonzero().flatten().tolist()
        scores = [binary_auroc(preds[:, i], target[:, i], ignore_index=NO_LABEL) for i in known]
        return torch.stack(scores).mean() if scores else torch.tensor(0.5, device=target.device)


class Multilabel(Task):
    """Any of several labels: logits and target (batch, labels) or (batch, places, labels)."""

    monitor, mode = "auroc", "max"
    weights: Tensor | None

    def __init__(self, labels: int, positive_weights: Tensor | None = None) -> None:
        super().__init__()
        self.labels = labels
        self.register_buffer("weights", positive_weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar."""
        known = (target != NO_LABEL).to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(
            logits, target.clamp(min=0).to(logits.dtype), known, pos_weight=self.weights, reduction="sum"
        )
        return each / known.sum().clamp(min=1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """One a label, each between 0 and 1: float32 (batch, labels) or (batch, places, labels)."""
        return torch.sigmoid(logits.float())

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics."""
        return MetricCollection({"auroc": KnownLabelsAUROC(num_labels=self.labels, ignore_index=NO_LABEL)})

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """All places: probabilities and targets, both (items, labels)."""
        return self.probabilities(logits).flatten(0, -2), target.flatten(0, -2)


class Regression(Task):
    """A number a place. The network works in units of the training targets' mean and standard deviation."""

    monitor, mode = "loss", "min"

    def __init__(self, mean: float = 0.0, sd: float = 1.0) -> None:
        super().__init__()
        self.mean, self.sd = mean, sd

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar."""
        logits = logits.squeeze(-1)
        known = ~torch.isnan(target)
        wanted = ((target - self.mean) / self.sd).to(logits.dtype)
        error = torch.where(known, logits - torch.where(known, wanted, 0), 0)
        return error.square().sum() / known.sum().clamp(min=1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Predicted values in the units of the target: float32 (batch,) or (batch, places)."""
        return logits.squeeze(-1).float() * self.sd + self.mean

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics."""
        return MetricCollection({"pearson": PearsonCorrCoef(), "r2": R2Score()})

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Labelled places: predictions and targets, both (labelled,)."""
        known = ~torch.isnan(target)
        return self.probabilities(logits)[known], target[known].float()
