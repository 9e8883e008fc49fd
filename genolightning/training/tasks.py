"""Tasks: what a target means. A loss, probabilities, and which validation score to watch."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics import Metric, MetricCollection
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

from genolightning.batch import Batch
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts

KINDS = ("binary", "multiclass", "multilabel", "regression", "causal_lm", "masked_lm")


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


def for_facts(
    facts: Facts, *, class_weights: str | None = None, own: Mapping[str, Callable[..., "Task"]] | None = None
) -> "Task":
    """The task of a dataset. `class_weights="balanced"` weighs classes by the inverse of their training counts.

    `own` holds, by kind, what is called in place of the class here, with the same arguments.
    """
    own = own or {}
    if wrong := sorted(set(own) - set(KINDS)):
        raise UserError(f"task.{wrong[0]}: no such kind; there are {', '.join(KINDS)}")
    if class_weights is not None and facts.kind not in ("binary", "multiclass", "multilabel"):
        raise UserError(
            f"class_weights={class_weights}: dataset.kind={facts.kind} has no classes to weigh; leave it out"
        )
    weights = _balanced(facts) if class_weights == "balanced" else None
    if class_weights not in (None, "balanced"):
        raise UserError(f"class_weights={class_weights}: wanted null or balanced")
    match facts.kind:
        case "binary":
            return own.get("binary", Binary)(weights)
        case "multiclass":
            return own.get("multiclass", Multiclass)(len(facts.classes), weights)
        case "multilabel":
            return own.get("multilabel", Multilabel)(len(facts.classes), weights)
        case "regression":
            return own.get("regression", Regression)(facts.target_mean, facts.target_sd)
        case "causal_lm":
            return own.get("causal_lm", CausalLM)()
        case "masked_lm":
            return own.get("masked_lm", MaskedLM)()
    raise UserError(f"dataset.kind={facts.kind}: wanted {', '.join(KINDS[:-1])} or {KINDS[-1]}")


def _balanced(facts: Facts) -> Tensor | None:
    """Weight of each class, n / (classes * count); of each label's positives, negatives / positives."""
    counts = torch.tensor(facts.class_counts, dtype=torch.float32)
    if facts.kind == "multilabel":
        absent = facts.absent_counts or [facts.rows["train"] - count for count in facts.class_counts]
        return torch.tensor(absent, dtype=torch.float32) / counts.clamp(min=1)
    return counts.sum() / (len(counts) * counts.clamp(min=1)) if len(counts) else None


class Binary(nn.Module):
    """Two classes, one logit a place: logits (batch, 1) or (batch, places, 1), target (batch,) or (batch, places)."""

    monitor, mode = "loss", "min"  # a proper score: ranks alone would pass an epoch whose .5 is out of place
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


class SigmoidTwice(Binary):
    """Two classes as Genomic Benchmarks trained them in 2023: the loss takes the sigmoid of a sigmoid.

    It cannot fall below .693 on rows of the first class and .313 on rows of the second, and gradients are damped.
    Probabilities are the first sigmoid's.
    """

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        return super().loss(torch.sigmoid(logits), target)


class Multiclass(nn.Module):
    """Several classes, one of them true: logits (batch, classes) or (batch, places, classes)."""

    monitor, mode = "loss", "min"
    weights: Tensor | None

    def __init__(self, classes: int, weights: Tensor | None = None) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
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


class KnownLabelsAUROC(MultilabelAUROC):
    """The mean AUROC of the labels that have rows with and rows without them, as the test's; .5 where none has."""

    def compute(self) -> Tensor:  # type: ignore[override]  # of a class that has curves
        preds, target = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        known = ((target == 0).any(0) & (target == 1).any(0)).nonzero().flatten().tolist()
        scores = [binary_auroc(preds[:, i], target[:, i], ignore_index=NO_LABEL) for i in known]
        return torch.stack(scores).mean() if scores else torch.tensor(0.5, device=target.device)


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
        return MetricCollection({"auroc": KnownLabelsAUROC(num_labels=self.labels, ignore_index=NO_LABEL)})

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


class Surprise(Metric):
    """How badly bases were foretold, over all rows: perplexity, or the bits a base takes."""

    full_state_update = False
    nats: Tensor
    bases: Tensor

    def __init__(self, *, bits: bool) -> None:
        super().__init__()
        self.bits = bits
        self.add_state("nats", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("bases", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, nats: Tensor, bases: Tensor) -> None:
        """Take rows' summed -log p and how many bases that is over, both (rows,)."""
        self.nats += nats.sum()
        self.bases += bases.sum()

    def compute(self) -> Tensor:
        mean = self.nats / self.bases.clamp(min=1)
        return (mean / torch.log(torch.tensor(2.0)) if self.bits else torch.exp(mean)).float()


class LanguageModel(nn.Module):
    """Foretelling bases: logits (batch, length, 4), target int (batch, length), a window's own bases, -100 unknown.

    N and padding are never asked for. What a task asks is `ask`; validation and test ask the same whenever they come.
    """

    monitor, mode = "perplexity", "min"

    def ask(self, batch: Batch, *, training: bool) -> Batch:
        """The batch a model is to read, and as its target the bases it is to foretell."""
        raise NotImplementedError

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean -log p of the asked bases, in nats."""
        nats, bases = self.surprise(logits, target).unbind(-1)
        return nats.sum() / bases.sum().clamp(min=1)

    def surprise(self, logits: Tensor, target: Tensor) -> Tensor:
        """Summed -log p in nats, and the number of bases it is over, of each row: float32 (batch, 2)."""
        nats = F.cross_entropy(logits.float().transpose(1, 2), target, ignore_index=NO_LABEL, reduction="none")
        return torch.stack([nats.sum(1), (target != NO_LABEL).sum(1)], -1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(batch, length, 4), each place summing to one."""
        return torch.softmax(logits.float(), -1)

    def metrics(self) -> MetricCollection:
        return MetricCollection({"perplexity": Surprise(bits=False), "bits_per_base": Surprise(bits=True)})

    def observed(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        nats, bases = self.surprise(logits, target).double().unbind(-1)
        return nats, bases


class CausalLM(LanguageModel):
    """Each base from those before it; a window's first base is not asked for."""

    def ask(self, batch: Batch, *, training: bool) -> Batch:
        return batch._replace(target=F.pad(batch.target[:, 1:], (0, 1), value=NO_LABEL))


class MaskedLM(LanguageModel):
    """15 % of the bases from all others (Devlin et al. 2019, arXiv 1810.04805): of those asked for 80 % are masked,
    10 % replaced by one of the four bases, 10 % left. Outside training row and place decide, not chance.
    """

    ASKED, MASKED, REPLACED, MASK = 0.15, 0.8, 0.1, 5

    def ask(self, batch: Batch, *, training: bool) -> Batch:
        shape, device = batch.codes.shape, batch.codes.device
        chosen, fate = torch.rand((2, *shape), device=device) if training else steady_chance(batch.index, shape[1])
        asked = (batch.target != NO_LABEL) & (chosen < self.ASKED)
        base = ((fate - self.MASKED) / self.REPLACED * 4).clamp(0, 3).to(batch.codes.dtype)
        codes = torch.where(asked & (fate < self.MASKED + self.REPLACED), base, batch.codes)
        codes = torch.where(asked & (fate < self.MASKED), torch.full_like(codes, self.MASK), codes)
        return batch._replace(codes=codes, target=torch.where(asked, batch.target, NO_LABEL))


def steady_chance(index: Tensor, length: int) -> Tensor:
    """Numbers in [0, 1) that look drawn and depend on row and place alone: float32 (2, rows, length)."""
    place = torch.arange(2 * length, device=index.device).view(2, 1, length)
    x = index[:, None] * 0x1000193 + place * 0x9E3779B1 + 1
    for factor in (0x2545F4914F6CDD1D, 0x5851F42D4C957F2D, 0x2545F4914F6CDD1D):  # int64 wraps around
        x = (x ^ ((x >> 29) & 0x7FFFFFFFF)) * factor
    return ((x >> 40) & 0xFFFFFF).float() / 2**24
