"""What a model may know of a dataset, and what differs between kinds of targets, in plain values without torch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from genolightning.errors import UserError

NO_LABEL = -100  # integer targets; float targets use NaN
LOWER_IS_BETTER = frozenset({"loss", "mse", "mae", "perplexity", "bits_per_base"})


class TargetKind(NamedTuple):
    """What a target is. Everything that differs between kinds is here, so that nothing else compares names.

    `class_targets`: integers, -100 where no label is known (binary, multiclass, multilabel); else floats with NaN, or
    a language model's bases. `exclusive_classes`: exactly one class holds at each place (binary, multiclass).
    `label_axis`: targets have a last axis of labels, each 0, 1 or -100. `language_model`: the targets are the bases
    themselves; `causal`: each from those before it.
    `headline` leads test scores, `search_score` is the validation score that a search of parameters looks at.
    """

    name: str
    headline: str
    search_score: str
    class_targets: bool = False
    exclusive_classes: bool = False
    label_axis: bool = False
    language_model: bool = False
    causal: bool = False
    single_output: bool = False  # one logit a place, whatever the classes

    @property
    def two_classes(self) -> bool:
        """Whether there are exactly two classes, and one probability a place: binary."""
        return self.class_targets and self.single_output

    @property
    def real_targets(self) -> bool:
        """Whether targets are real numbers, NaN where none is known: regression."""
        return not (self.class_targets or self.language_model)

    def outputs(self, classes: Sequence[str]) -> int:
        """Logits a place: 1 for binary and regression, 4 for language models, else one a class or label."""
        return 1 if self.single_output else 4 if self.language_model else len(classes)

    def prediction_columns(self, classes: Sequence[str]) -> list[str]:
        """Names of the predicted columns: `p_<class>` each, `prediction`, or a language model's `nats`.

        >>> BINARY.prediction_columns(["no", "yes"])
        ['p_no', 'p_yes']
        """
        if self.language_model:
            return ["nats"]
        return [f"p_{name}" for name in classes] if self.class_targets else ["prediction"]


BINARY = TargetKind("binary", "auroc", "auroc", class_targets=True, exclusive_classes=True, single_output=True)
MULTICLASS = TargetKind("multiclass", "mcc", "mcc", class_targets=True, exclusive_classes=True)
MULTILABEL = TargetKind("multilabel", "auroc", "auroc", class_targets=True, label_axis=True)
REGRESSION = TargetKind("regression", "pearson", "loss", single_output=True)
CAUSAL_LM = TargetKind("causal_lm", "bits_per_base", "perplexity", language_model=True, causal=True)
MASKED_LM = TargetKind("masked_lm", "bits_per_base", "perplexity", language_model=True)
TARGET_KINDS = (BINARY, MULTICLASS, MULTILABEL, REGRESSION, CAUSAL_LM, MASKED_LM)


def target_kind(name: str) -> TargetKind:
    """Look a kind of target up by its name; UserError where there is none.

    >>> target_kind("masked_lm").language_model
    True
    """
    for kind in TARGET_KINDS:
        if kind.name == name:
            return kind
    *names, last = (kind.name for kind in TARGET_KINDS)
    raise UserError(f"dataset.kind={name}: wanted {', '.join(names)} or {last}")


def higher_is_better(score: str) -> bool:
    """Whether a larger value of a score is the better one.

    >>> higher_is_better("mcc"), higher_is_better("loss")
    (True, False)
    """
    return score not in LOWER_IS_BETTER


class Facts(NamedTuple):
    """What a model may know of a dataset, kept in the run folder and in the checkpoint."""

    kind: str  # the name of a TargetKind
    classes: list[str]  # classes, or labels of a multilabel dataset; [] for regression
    length_bp: int  # the longest training row
    shortest_bp: int  # the shortest training row
    resolution_bp: int | None = None  # None: one label a sequence; 1: one a base; n: one a bin
    rows: dict[str, int] = {}  # split -> rows  # noqa: RUF012 - a NamedTuple's default, never written to
    class_counts: list[int] = []  # training rows (bases, bins) of each class, or with each label  # noqa: RUF012
    absent_counts: list[int] = []  # multilabel: training rows (bases, bins) known to be without each label  # noqa: RUF012
    target_mean: float = 0.0  # of the training targets, regression only
    target_sd: float = 1.0
    reverse_complement: list[int] | None = None  # class (label) i of a strand is class [i] of the other; None: the same
    label_unit: str | None = None  # of regression targets, for axes
    window_bp: int | None = None  # width of a dataset's windows, where all are equally wide
    context_bp: int | None = None  # of these, bases at either end that carry no label

    @property
    def target_kind(self) -> TargetKind:
        """What differs between kinds of targets, for this dataset's."""
        return target_kind(self.kind)

    @property
    def outputs(self) -> int:
        """Logits a place."""
        return self.target_kind.outputs(self.classes)

    def as_dict(self) -> dict[str, Any]:
        """Every value by name, for records and checkpoints; what came after schema 1 only where it is set.

        >>> "label_unit" in Facts("binary", ["a", "b"], 9, 9).as_dict()
        False
        """
        later = ("reverse_complement", "label_unit", "window_bp", "context_bp")
        return {name: value for name, value in self._asdict().items() if not (name in later and value is None)}
