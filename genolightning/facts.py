"""What a model may know of a dataset: plain values, without numpy or torch."""

from typing import NamedTuple

NO_LABEL = -100  # integer targets; float targets use NaN


class Facts(NamedTuple):
    """What a model may know of a dataset: plain values, kept in the run folder and in the checkpoint."""

    kind: str  # binary | multiclass | multilabel | regression | causal_lm | masked_lm
    classes: list[str]  # classes, or labels of a multilabel dataset; [] for regression
    length_bp: int  # the longest training row
    shortest_bp: int  # the shortest training row
    resolution_bp: int | None = None  # None: one label a sequence; 1: one a base; n: one a bin
    rows: dict[str, int] = {}  # split -> rows  # noqa: RUF012 - a NamedTuple's default, never written to
    class_counts: list[int] = []  # training rows (bases, bins) of each class, or with each label  # noqa: RUF012
    absent_counts: list[int] = []  # multilabel: training rows (bases, bins) known to be without each label  # noqa: RUF012
    target_mean: float = 0.0  # of the training targets, regression only
    target_sd: float = 1.0
