"""Cells of label columns as targets: class names, characters a base, lists of labels, numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.text_table import TextTable, first_names
from genolightning.errors import BadTable, Setting, UserError
from genolightning.facts import NO_LABEL

MISSING = ("", "nan", "na", "n/a", "null")  # cells without a label, unless dataset.classes names them
LARGEST = 1e18  # of a regression target: squares of these are numbers in float32


def canonical(label: str) -> str:
    """One spelling of a label: whole numbers lose their plus sign and `.0`.

    >>> [canonical(one) for one in ("1", "1.0", "+1", "enhancer", "0.5")]
    ['1', '1', '1', 'enhancer', '0.5']
    """
    whole = re.fullmatch(r"\+?(-?\d+)(\.0*)?", label.strip())
    return whole[1] if whole else label.strip()


def refuse_missing(table: TextTable, cells: list[str], named: Sequence[str] = ()) -> None:
    """Raise BadTable for the first cell without a label; one that is the name of a class, as `named`, is a label."""
    for row, cell in enumerate(cells):
        if cell.lower() in MISSING and cell not in named:
            raise BadTable(
                f"{table.at(row)}: the label is missing{f' ({cell})' if cell else ''}; fill it in or remove the row"
            )


def class_ids(table: TextTable, cells: list[str], classes: list[str]) -> NDArray[np.int64]:
    """Class names -> class numbers, int64 (rows,); BadTable for a name that is no class."""
    number = {name: i for i, name in enumerate(classes)}
    of_cell = {cell: number.get(canonical(cell)) for cell in set(cells)}
    if None in of_cell.values():
        i = next(i for i, cell in enumerate(cells) if of_cell[cell] is None)
        raise BadTable(f"{table.at(i)}: unknown label {cells[i]!r}; the classes are {first_names(classes)}")
    return np.array([of_cell[cell] for cell in cells], np.int64)


def class_strings(
    table: TextTable, cells: list[str], classes: list[str], expected: NDArray[np.int64]
) -> NDArray[np.int64]:
    """One character a base or bin -> class numbers, int64 (rows, longest), padded with -100.

    `expected` is how many each row has, int64 (rows,). Raises BadTable for another number, or for a
    character that is no class.
    """
    lengths = np.fromiter(map(len, cells), np.int64, len(cells))
    if (lengths != expected).any():
        i = int(np.argmax(lengths != expected))
        raise BadTable(f"{table.at(i)}: {lengths[i]} labels where {expected[i]} are due; write one character each")
    number = np.full(256, NO_LABEL, np.int64)
    for i, name in enumerate(classes):
        if len(name) != 1 or not name.isascii():
            raise UserError(f"dataset.classes: {name!r} is not one ASCII character, as dataset.resolution_bp asks")
        number[ord(name)] = i
    values = number[np.frombuffer("".join(cells).encode("ascii", "replace"), np.uint8)]
    target = np.full((len(cells), int(lengths.max())), NO_LABEL)
    inside = np.arange(target.shape[1]) < lengths[:, None]
    target[inside] = values
    if (unknown := (target == NO_LABEL) & inside).any():
        i, base = np.argwhere(unknown)[0].tolist()
        raise BadTable(f"{table.at(i)}: unknown label {cells[i][base]!r}; the classes are {first_names(classes)}")
    return target


def label_sets(table: TextTable, cells: list[str], classes: list[str]) -> NDArray[np.int64]:
    """Cells such as "1,2,5" -> 0 or 1, int64 (rows, labels); an empty cell has none."""
    number = {name: i for i, name in enumerate(classes)}
    target = np.zeros((len(cells), len(classes)), np.int64)
    for i, cell in enumerate(cells):
        for name in split_names(cell):
            if canonical(name) not in number:
                raise BadTable(f"{table.at(i)}: unknown label {name!r}; the labels are {first_names(classes)}")
            target[i, number[canonical(name)]] = 1
    return target


def yes_or_no(table: TextTable, cells: list[str], name: str) -> NDArray[np.int64]:
    """The column of one label -> 0, 1, or -100 where the cell is empty, int64 (rows,)."""
    meaning = {"0": 0, "1": 1, "false": 0, "true": 1, "": NO_LABEL}
    of_cell = {cell: meaning.get(canonical(cell).lower()) for cell in set(cells)}
    if None in of_cell.values():
        i = next(i for i, cell in enumerate(cells) if of_cell[cell] is None)
        raise BadTable(f"{table.at(i)}: {cells[i]!r} in column {name!r}; a label column holds 0, 1 or nothing")
    return np.array([of_cell[cell] for cell in cells], np.int64)


def numbers(table: TextTable, cells: list[str]) -> NDArray[np.float32]:
    """Regression targets, float32 (rows,); BadTable for what is no number, or too large for float32 squares."""
    values = np.array([_number(cell) for cell in cells])
    if not (finite := np.isfinite(values)).all():
        i = int(np.argmin(finite))
        raise BadTable(f"{table.at(i)}: {cells[i]!r} is not a number; regression needs one, or remove the row")
    if not (small := np.abs(values) < LARGEST).all():
        i = int(np.argmin(small))
        raise BadTable(f"{table.at(i)}: {cells[i]} is too large to be learned; give smaller units, below {LARGEST:g}")
    return values.astype(np.float32)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def split_names(cell: str) -> list[str]:
    """The labels in a cell such as "1, 2,5"."""
    return [name.strip() for name in cell.split(",") if name.strip()]


def in_order(names: set[str]) -> list[str]:
    """Sort labels: as numbers where all are numbers, else as text."""
    numbers = all(np.isfinite(_number(name)) for name in names)
    return sorted(names, key=lambda name: (_number(name) if numbers else 0.0, name))


def first_fraction(names: list[str]) -> str | None:
    """The first label that is not a whole number, where all labels are numbers; else None."""
    values = [_number(name) for name in names]
    if not np.isfinite(values).all():
        return None
    return next((name for name, value in zip(names, values, strict=True) if value != round(value)), None)


def strand_permutation(classes: Sequence[str], other: Mapping[Any, Any] | None) -> list[int] | None:
    """What class i becomes on the other strand, [classes]; None where no class has a strand.

    `other` maps class names to their class on the other strand; classes that are not in it stay themselves. Raises
    UserError for a name that is no class, and where the other strand of the other strand is another class.

    >>> strand_permutation(["none", "plus", "minus"], {"plus": "minus", "minus": "plus"})
    [0, 2, 1]
    """
    if other is None:
        return None
    partner = {canonical(str(name)): canonical(str(value)) for name, value in other.items()}
    if unknown := sorted({*partner, *partner.values()} - set(classes)):
        raise UserError(
            f"reverse_complement names {unknown[0]!r}, which is no class; the classes are {first_names(list(classes))}"
        )
    for name, value in partner.items():
        if partner.get(value, value) != name:
            raise UserError(
                f"reverse_complement: {name} becomes {value}, but {value} becomes {partner.get(value, value)}",
                f"name both ways: {Setting('dataset.reverse_complement', f'{{{name}: {value}, {value}: {name}}}')}",
            )
    return [list(classes).index(partner.get(name, name)) for name in classes]
