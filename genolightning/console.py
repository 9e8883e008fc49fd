"""Standard output of a command: lines of text, printed by the first process only."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def say(*lines: str) -> None:
    """Write lines to standard output, in the first process of a run only."""
    if not int(os.environ.get("LOCAL_RANK") or 0):
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Align rows of cells into lines; the columns numbered in `right` are set to the right.

    >>> columns([["a", "1"], ["bcd", "10"]], right=[1])
    ['a     1', 'bcd  10']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def format_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows of one shape as aligned lines under the names of their columns; numbers are aligned to the right.

    >>> format_table([{"model": "cnn", "parameters": 67089}])
    ['model  parameters', 'cnn        67,089']
    """
    if not rows:
        return ["none"]
    cells = [
        ["" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row.values()]
        for row in rows
    ]
    numbers = [i for i, name in enumerate(rows[0]) if any(isinstance(row[name], int) for row in rows)]
    return columns([list(rows[0]), *cells], right=numbers)
