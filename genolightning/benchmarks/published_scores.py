"""Scores that others have published, as fractions, each with its source and with what its checkpoint was chosen on.

They are read from `published/*.csv` in this folder. What a source does not report is left empty, or `unknown`.
"""

import csv
from pathlib import Path
from typing import NamedTuple

from genolightning.errors import BadTable

COLUMNS = ["dataset", "model", "metric", "value", "spread", "seeds", "protocol", "source", "note"]


class Published(NamedTuple):
    """One published score on a dataset's original split."""

    dataset: str  # as in conf/dataset
    model: str
    metric: str
    value: float  # a fraction, not percent
    spread: float | None  # +- of the source; `note` names its kind
    seeds: int | None  # how many runs the value is the mean of
    protocol: str  # "last epoch", "epoch chosen on test", "epoch chosen on validation ...", "unknown", ...
    source: str
    note: str


def published(folder: Path | None = None) -> list[Published]:
    """Every published score that ships with the package, or those in a folder's csv files.

    Raises BadTable, naming file and row, for other columns, and for a value that is not between -1 and 1.

    >>> {one.source for one in published() if one.dataset == "gue_mouse_0" and one.model == "DNABERT-2"}
    {'Zhou et al. 2024, ICLR'}
    """
    folder = folder or Path(__file__).with_name("published")
    return [one for file in sorted(folder.glob("*.csv")) for one in _read(file)]


def _read(file: Path) -> list[Published]:
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if reader.fieldnames != COLUMNS:
            raise BadTable(
                f"{file}: the columns {','.join(COLUMNS)} are wanted, found {reader.fieldnames}; rename them"
            )
        return [_score(row, f"{file}, row {number}") for number, row in enumerate(reader, 1)]


def _score(row: dict[str, str], place: str) -> Published:
    try:
        value, spread = float(row["value"]), float(row["spread"]) if row["spread"] else None
        seeds = int(row["seeds"]) if row["seeds"] else None
    except (TypeError, ValueError):
        raise BadTable(
            f"{place}: value, spread and seeds must be numbers, found {row}; write .686 for 68.6 %"
        ) from None
    if not -1 <= value <= 1:
        raise BadTable(f"{place}: a score between -1 and 1 is wanted, found {value}; write .686 for 68.6 %")
    words = {key: row[key] for key in ("dataset", "model", "metric", "protocol", "source")}
    if empty := [key for key, word in words.items() if not word]:
        raise BadTable(f"{place}: {empty[0]} is empty; say it, or write unknown")
    return Published(**words, value=value, spread=spread, seeds=seeds, note=row["note"])
