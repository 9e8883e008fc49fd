"""Text tables as columns of strings: csv and tsv, plain or gzipped, and parquet."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import BadTable, Setting
from genolightning.storage.text_files import read_text

SYNONYMS = {"sequence": ("sequence", "seq"), "label": ("label",)}  # what the default column names also accept


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text table as columns of stripped strings, and where each row is in its file."""

    columns: dict[str, list[str]]
    row: NDArray[np.int64]  # (rows,) line in the file, the header being line 1; in parquet the row, from 1
    source: str  # the file, for errors
    unit: str = "line"  # what `row` counts

    def at(self, i: int) -> str:
        """File and line of the i-th row, counted from 0, for an error."""
        return f"{self.source} {self.unit} {self.row[i]}"


def read_delimited(path: Path) -> TextTable:
    """Read csv or tsv, as its first line is; BadTable for a ragged row, an open quote, or two columns of one name."""
    text = read_text(path).decode()
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    csv.field_size_limit(2**31 - 1)  # a cell may hold a chromosome; the default stops at 131,072
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    line: list[int] = []
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if len(row) == len(header):
                rows.append(row)
                line.append(reader.line_num)
            elif any(cell.strip() for cell in row):
                raise BadTable(
                    f"{path} line {reader.line_num}: {len(row)} fields where the header has {len(header)}; "
                    "quote a cell that holds a separator"
                )
    except csv.Error as error:
        raise BadTable(f"{path} line {reader.line_num}: {error}; close every quote") from None
    cells = zip(*rows, strict=True) if rows else ([] for _ in header)
    columns = [[cell.strip() for cell in column] for column in cells]
    for name in header:
        if name and header.count(name) > 1:
            raise BadTable(f"{path} line 1: two columns are called {name!r}; rename one")
    return TextTable(dict(zip(header, columns, strict=True)), np.array(line, np.int64), str(path))


def read_parquet(path: Path, data: bytes) -> TextTable:
    """Read parquet from a file's bytes; columns that cannot be text are left out. BadTable for a damaged file."""
    import polars as pl

    try:
        frame = pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadTable(f"{path}: not a whole parquet file ({str(error).splitlines()[0]}); write it again") from None
    columns = {}
    for cells in frame:
        try:
            if isinstance(cells.dtype, pl.List):
                cells = cells.cast(pl.List(pl.String)).list.join(",")
            columns[cells.name] = cells.cast(pl.String).fill_null("").str.strip_chars().to_list()
        except pl.exceptions.PolarsError:  # an embedding, an image: no sequence, label or name
            continue
    return TextTable(columns, np.arange(1, frame.height + 1), str(path), "row")


def column(table: TextTable, name: str, role: str) -> list[str]:
    """The cells of a column, (rows,); where it has its default name, `role`, a synonym serves as well.

    Raises BadTable, with the columns there are, where there is none.
    """
    columns = table.columns
    if name in columns:
        return columns[name]
    if name == role:  # not named by the user
        synonyms = [column for column in columns if column.lower() in SYNONYMS.get(role, ())]
        if len(synonyms) == 1:
            return columns[synonyms[0]]
    raise BadTable(
        f"{table.source}: no column {name!r}; it has {first_names([column[:24] for column in columns])}",
        f"name yours: {Setting('dataset.sequence', 'seq')} {Setting('dataset.label', 'y')}",
    )


def first_names(names: Sequence[str]) -> str:
    """Join at most ten names for an error of one line."""
    return ", ".join(names[:10]) + (f", ... ({len(names)})" if len(names) > 10 else "")
