"""From a split's rows to what is scored: labels and predictions end to end, checked, those without a label left out."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genolightning.errors import BadTable, UserError
from genolightning.facts import NO_LABEL, TARGET_KINDS, TargetKind, target_kind
from genolightning.statistics.bootstrap import Array, ResamplingUnits


class Items(NamedTuple):
    """One item a row, or one a base or bin, in the order of the rows."""

    target: NDArray[Any]  # int64 (items,) or (items, labels), then -100 where a label is not known; or float64 (items,)
    prediction: Array  # (items,), or (items, classes), or (items, labels)
    row: NDArray[np.int64]  # (items,) the row each came from
    rows: int  # how many there are, with or without a label


def flatten_predictions(kind: str, target: Any, prediction: Any) -> Items:
    """Flatten rows into labelled items; BadTable where there is none. `evaluate` lists the shapes of a kind."""
    items = labelled_items(kind, target, prediction)
    if not len(items.row):
        raise BadTable("A label is wanted to score against, found none in any row: name a split that has labels.")
    return items


def labelled_items(kind: str, target: Any, prediction: Any) -> Items:
    """Flatten rows into items, one a row, base or bin, without those that have no label; there may be none."""
    try:
        scored = target_kind(kind)
    except UserError as error:
        names = ", ".join(one.name for one in TARGET_KINDS)
        raise BadTable(f"No scores are known for kind {kind!r}: write one of {names}.") from error
    positions = _has_positions(target, 2 if scored.label_axis else 1)
    truths, row = _concatenate_rows(target, positions)
    guesses, row_of_guess = _concatenate_rows(prediction, positions)
    _match(row, row_of_guess)
    _match_shapes(scored, truths, guesses)
    if scored.class_targets:
        truths = _class_ids(truths, row, 2 if scored.single_output or scored.label_axis else guesses.shape[1])
    known = truths >= 0 if scored.class_targets else ~np.isnan(truths.astype(np.float64))
    keep = known if known.ndim == 1 else known.any(axis=1)
    items = Items(truths[keep], guesses[keep].astype(np.float64), row[keep], len(target))
    if scored.class_targets:
        return _with_probabilities(items)
    _refuse(~np.isfinite(items.prediction), items.row, items.prediction, "a finite prediction")
    return items._replace(target=items.target.astype(np.float64))


def resampling_units(items: Items, clusters: ArrayLike | None) -> ResamplingUnits:
    """Number the rows, or with `clusters` (rows,) their clusters, that have at least one item."""
    names: NDArray[Any] = items.row
    if clusters is not None:
        names = np.asarray(clusters)
        if names.shape != (items.rows,):
            raise BadTable(f"One cluster for each of {items.rows} rows is wanted, found {names.shape}: give one a row.")
        names = names[items.row]
    distinct, unit = np.unique(names, return_inverse=True)
    return ResamplingUnits(unit, len(distinct))


def _has_positions(target: Any, axes: int) -> bool:
    """Whether targets have an axis of bases or bins beyond the `axes` of one target a row."""
    if isinstance(target, list | tuple) or (isinstance(target, np.ndarray) and target.dtype == object):
        return len(target) > 0 and np.ndim(target[0]) >= axes
    return np.ndim(target) > axes


def _concatenate_rows(values: Any, positions: bool) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows, or the positions of rows, as one array, and the row of each."""
    array = None if isinstance(values, list | tuple) else np.asarray(values)
    if array is None or array.dtype == object:
        rows = [np.asarray(value) for value in values]
        if len({(value.ndim, value.shape[1:] if positions else value.shape) for value in rows}) > 1:
            raise BadTable(
                "Rows of one shape are wanted, found several: give every row as many axes, classes and labels."
            )
        if positions and rows:
            return np.concatenate(rows), np.repeat(np.arange(len(rows)), [len(value) for value in rows])
        array = np.stack(rows) if rows else np.empty(0)
    if not positions or array.ndim < 2:
        return array, np.arange(len(array))
    return array.reshape(-1, *array.shape[2:]), np.repeat(np.arange(len(array)), array.shape[1])


def _match(row: NDArray[np.int64], row_of_guess: NDArray[np.int64]) -> None:
    if np.array_equal(row, row_of_guess):
        return
    shared = min(len(row), len(row_of_guess))
    at = int(np.append(np.flatnonzero(row[:shared] != row_of_guess[:shared]), shared)[0])
    first = min(int(rows[at]) for rows in (row, row_of_guess) if len(rows) > at)
    raise BadTable(
        f"One prediction a target is wanted, found {len(row)} targets and {len(row_of_guess)} predictions that part at "
        f"row {first}: predict every row of the split, and every position."
    )


def _match_shapes(kind: TargetKind, truths: NDArray[Any], guesses: NDArray[Any]) -> None:
    if kind.label_axis:
        fits = truths.ndim == 2 and truths.shape == guesses.shape
    elif kind.exclusive_classes and not kind.single_output:
        fits = truths.ndim == 1 and guesses.ndim == 2 and guesses.shape[1] > 1
    else:
        fits = truths.ndim == 1 and (guesses.ndim == 1 or (kind.class_targets and guesses.shape[1:] == (2,)))
    if not fits:
        raise BadTable(
            f"Targets {truths.shape} and predictions {guesses.shape} do not fit {kind.name}: put classes or labels "
            "last."
        )


def _class_ids(truths: NDArray[Any], row: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Targets as int64 with -100 for no label, whatever their type."""
    given = truths.astype(np.float64)
    given = np.where(np.isnan(given), NO_LABEL, given)
    ids = given.astype(np.int64)
    wrong = (ids != given) | ((ids != NO_LABEL) & ((ids < 0) | (ids >= count)))
    _refuse(wrong, row, truths, f"a class id in 0..{count - 1}, or {NO_LABEL} for no label,")
    return ids


def _with_probabilities(items: Items) -> Items:
    p = items.prediction
    used = np.ones(p.shape, dtype=bool) if items.target.ndim == 1 else items.target >= 0
    _refuse(used & ~((p >= -1e-3) & (p <= 1 + 1e-3)), items.row, p, "a probability in 0..1 (not a logit)")
    return items._replace(prediction=np.clip(p, 0, 1))  # half precision rounds a little past the ends


def _refuse(wrong: NDArray[np.bool_], row: NDArray[np.int64], found: NDArray[Any], wanted: str) -> None:
    if wrong.any():
        at = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise BadTable(f"{wanted} is wanted, found {found[at]} in row {row[at[0]]}: mend or leave out that row.")
