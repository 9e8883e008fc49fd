"""Tasks: what a target means. A loss, probabilities, and which validation score to watch."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
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
from torchmetrics.regression import PearsonCorrCoef, R2Score

from genolightning.benchmarks.rows import NO_LABEL, Facts
from genolightning.errors import UserError


class Task(Protocol):
    """How logits are judged. `monitor` names the validation score that chooses the epoch, `mode` its direction."""

    monitor: str
    mode: str

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over labelled places, a scalar; places without a label do not count."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """What predictions.parquet holds: probabilities of classes or labels, or predicted values."""

    def metrics(self) -> MetricCollection:
        """Fresh validation metrics, fed by `observed`."""

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """(prediction, target) of the labelled places, as the metrics take them."""


def for_facts(facts: Facts, *, class_weights: str | None = None) -> "Task":
    """The task of a dataset. `class_weights="balanced"` weighs classes by the inverse of their training counts."""
    weights = _balanced(facts) if class_weights == "balanced" else None
    if class_weights not in (None, "balanced"):
        raise UserError(f"class_weights={class_weights}: wanted null or balanced")
    match facts.kind:
        case "binary":
            return Binary(weights)
        case "multiclass":
            return Multiclass(len(facts.classes), weights)
        case "multilabel":
            return Multilabel(len(facts.classes), weights)
        case "regression":
            return Regression(facts.target_mean, facts.target_sd)
    raise UserError(
        f"dataset.kind={facts.kind}: wanted binary, multiclass, multilabel, regression, causal_lm or masked_lm"
    )


def _balanced(facts: Facts) -> Tensor | None:
    """Weight of each class, n / (classes * count); of each label's positives, negatives / positives."""
    counts = torch.tensor(facts.class_counts, dtype=torch.float32)
    if facts.kind == "multilabel":
        return (facts.rows["train"] - counts) / counts.clamp(min=1)
    return counts.sum() / (len(counts) * counts.clamp(min=1)) if len(counts) else None


class Binary(nn.Module):
    """Two classes, one logit a place: logits (batch, 1) or (batch, places, 1), target (batch,) or (batch, places)."""

    monitor, mode = "auroc", "max"
    weights: Tensor | None

    def __init__(self, weights: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
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
        return MetricCollection({"auroc": BinaryAUROC(), "accuracy": BinaryAccuracy(), "mcc": BinaryMatthewsCorrCoef()})

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = target != NO_LABEL
        return self.probabilities(logits)[known], target[known]


class Multiclass(nn.Module):
    """Several classes, one of them true: logits (batch, classes) or (batch, places, classes)."""

    monitor, mode = "mcc", "max"
    weights: Tensor | None

    def __init__(self, classes: int, weights: Tensor | None = None) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(0, -2), target.flatten(), self.weights, ignore_index=NO_LABEL)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(batch, classes) or (batch, places, classes), each summing to one."""
        return torch.softmax(logits.float(), -1)

    def metrics(self) -> MetricCollection:
        def options() -> dict[str, Any]:
            return {"num_classes": self.classes}

        return MetricCollection(
            {
                "auroc": MulticlassAUROC(**options()),
                "accuracy": MulticlassAccuracy(**options(), average="micro"),
                "mcc": MulticlassMatthewsCorrCoef(**options()),
            }
        )

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = target != NO_LABEL
        return self.probabilities(logits)[known], target[known]


class Multilabel(nn.Module):
    """Any of several labels: logits and target (batch, labels) or (batch, places, labels)."""

    monitor, mode = "auroc", "max"
    weights: Tensor | None

    def __init__(self, labels: int, positive_weights: Tensor | None = None) -> None:
        super().__init__()
        self.labels = labels
        self.register_buffer("weights", positive_weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        known = (target != NO_LABEL).to(logits.dtype)
        each = F.binary_cross_entropy_with_logits(
            logits, target.clamp(min=0).to(logits.dtype), known, pos_weight=self.weights, reduction="sum"
        )
        return each / known.sum().clamp(min=1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """One a label, each between 0 and 1."""
        return torch.sigmoid(logits.float())

    def metrics(self) -> MetricCollection:
        return MetricCollection({"auroc": MultilabelAUROC(num_labels=self.labels, ignore_index=NO_LABEL)})

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return self.probabilities(logits).flatten(0, -2), target.flatten(0, -2)


class Regression(nn.Module):
    """A number a place. The network works in units of the training targets' mean and standard deviation."""

    monitor, mode = "loss", "min"

    def __init__(self, mean: float = 0.0, sd: float = 1.0) -> None:
        super().__init__()
        self.mean, self.sd = mean, sd

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        logits = logits.squeeze(-1)
        known = ~torch.isnan(target)
        wanted = ((target - self.mean) / self.sd).to(logits.dtype)
        error = torch.where(known, logits - torch.where(known, wanted, 0), 0)
        return error.square().sum() / known.sum().clamp(min=1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Predicted values, in the units of the target."""
        return logits.squeeze(-1).float() * self.sd + self.mean

    def metrics(self) -> MetricCollection:
        return MetricCollection({"pearson": PearsonCorrCoef(), "r2": R2Score()})

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        known = ~torch.isnan(target)
        return self.probabilities(logits)[known], target[known].float()
