"""What the models of the configs cost: parameters, FLOPs per base, and on request time and memory of a batch."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genolightning.config.help import about
from genolightning.errors import UserError

if TYPE_CHECKING:
    from torch import nn

CLASSES = {"binary": ["negative", "positive"], "multiclass": ["a", "b", "c"], "multilabel": ["a", "b", "c"]}


class ModelSpec(NamedTuple):
    """A model of the configs, for a dataset with one label a sequence and rows of one length."""

    model: str
    kind: str = "binary"
    length_bp: int = 251
    config_dir: Path | None = None


class Timing(NamedTuple):
    """What is timed: batches of `batch` rows at each of `lengths` (bp), none expected to take over `max_s` seconds."""

    lengths: Sequence[int]
    batch: int = 4
    max_s: float = 30.0


def build_model(spec: ModelSpec) -> "nn.Module":
    """The model with fresh weights; UserError where it cannot be built: weights are missing, rows are too short."""
    from genolightning.config.compose import compose
    from genolightning.config.objects import task_and_model
    from genolightning.facts import Facts

    classes = CLASSES.get(spec.kind, [])
    facts = Facts(
        kind=spec.kind,
        classes=classes,
        length_bp=spec.length_bp,
        shortest_bp=spec.length_bp,
        rows={"train": 100 * max(len(classes), 1)},
        class_counts=[100] * len(classes),
    )
    config = compose("train", [f"model={spec.model}"], config_dir=spec.config_dir).config
    return task_and_model(config, facts)[1]


def model_row(
    spec: ModelSpec,
    file: Path,
    *,
    timing: Timing | None = None,
    speeds: dict[str, float] | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """A model as a row: {model, parameters, flops_per_base, [examples_per_s], kind, length_bp, about, [timings]}.

    `file` is its YAML, `report` gets the name of a model that is about to be timed.
    """
    from genolightning.runs.profiling import count_cost

    row: dict[str, Any] = {"model": spec.model, "parameters": None, "flops_per_base": None}
    try:
        parameters, flops = count_cost(partial(build_model, spec), spec.length_bp)
        row |= {"parameters": parameters, "flops_per_base": flops}
        description = about(file)
    except UserError as error:  # e.g. weights that are not on this machine, or a length the model does not take
        description = f"cannot be built: {error}"
    if speeds is not None:
        row["examples_per_s"] = speeds.get(spec.model)
    row |= {"kind": spec.kind, "length_bp": spec.length_bp, "about": description}
    if timing is None:
        return row
    if report:
        report(f"timing {spec.model}")
    return {**row, "timings": list(_timings(spec, timing))}


def _timings(spec: ModelSpec, timing: Timing) -> Iterator[dict[str, Any]]:
    """A row for each length; a length that should take longer than `max_s`, judged by the one before, is left out."""
    from genolightning.runs.profiling import Measurement, count_cost, measure_in_subprocess

    before: tuple[float, float] | None = None  # seconds of the length before, and its FLOPs
    for length_bp in timing.lengths:
        build = partial(build_model, spec._replace(length_bp=length_bp))
        try:
            flops = count_cost(build, length_bp)[1]
        except UserError:  # `measure` reports the reason
            flops = None
        work = (flops or 0) * length_bp
        if before and before[0] * work / before[1] > timing.max_s:
            measured = Measurement(why=f"over {timing.max_s:g} s")
        else:
            measured = measure_in_subprocess(build, length_bp, timing.batch)
        if measured.forward_backward_ms is not None and work:
            before = measured.forward_backward_ms / 1e3, work
        yield {"length_bp": length_bp, "batch": timing.batch, "flops_per_base": flops, **measured._asdict()}
