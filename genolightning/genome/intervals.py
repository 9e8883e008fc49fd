"""Interval tables as columns, 0-based and half-open: BED and Genomic Benchmarks tables, each row checked first."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import BadTable
from genolightning.storage.text_files import read_text

if TYPE_CHECKING:
    import polars as pl

GB_COLUMNS = ("id", "region", "start", "end", "strand")
BED_COLUMNS = ("region", "start", "end", "id", "score", "strand")


@dataclass(frozen=True, slots=True)
class Intervals:
    """Stretches of chromosomes, one a row, 0-based and half-open, as in BED.

    `source` and `line` are the file and line that a row was read from (the header is line 1), for error messages.

    >>> Intervals(["chr1"], [100], [350]).lengths.tolist()
    [250]
    """

    chrom: NDArray[Any]  # (n,) str
    start: NDArray[np.int64]  # (n,)
    end: NDArray[np.int64]  # (n,)
    strand: NDArray[Any] | None = None  # (n,) "+" or "-"; None is all "+"
    source: str = ""
    line: NDArray[np.int64] | None = None  # (n,)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "chrom", np.asarray(self.chrom))
        set_field(self, "start", np.asarray(self.start, np.int64))
        set_field(self, "end", np.asarray(self.end, np.int64))
        if self.strand is not None:
            set_field(self, "strand", np.asarray(self.strand))
        if self.line is not None:
            set_field(self, "line", np.asarray(self.line, np.int64))

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: NDArray[Any] | slice) -> "Intervals":
        """The rows of an index array, a mask or a slice, in that order."""
        return Intervals(
            self.chrom[rows],
            self.start[rows],
            self.end[rows],
            None if self.strand is None else self.strand[rows],
            self.source,
            None if self.line is None else self.line[rows],
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """End minus start in bp, (n,)."""
        return self.end - self.start

    def describe(self, row: int) -> str:
        """A row's file, line and interval, for an error; rows without a file count from 1.

        >>> Intervals(["chr1"], [5], [9], source="a.bed", line=[3]).describe(0)
        'a.bed line 3: chr1:5-9'
        """
        place = f"line {self.line[row]}" if self.line is not None else f"interval {row + 1}"
        return f"{self.source} {place}: {self.chrom[row]}:{self.start[row]}-{self.end[row]}".lstrip()

    @classmethod
    def concat(cls, parts: Sequence["Intervals"]) -> "Intervals":
        """All rows of several tables, in order; file and line are kept where one file holds them all."""
        if not parts:
            return cls(np.array([], str), np.array([], np.int64), np.array([], np.int64))
        sources = {part.source for part in parts}
        lines = [part.line for part in parts if part.line is not None]
        stranded = any(part.strand is not None for part in parts)
        strands = [np.full(len(part), "+") if part.strand is None else part.strand for part in parts]
        return cls(
            np.concatenate([part.chrom for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.end for part in parts]),
            np.concatenate(strands) if stranded else None,
            sources.pop() if len(sources) == 1 else "",
            np.concatenate(lines) if len(lines) == len(parts) and not sources else None,
        )


class IntervalTable(NamedTuple):
    """Intervals and what the file calls them."""

    intervals: Intervals
    ids: NDArray[Any]  # (n,) str


def read_gb_table(path: Path) -> IntervalTable:
    """Read a Genomic Benchmarks table: csv, gzipped or not, with the columns id, region, start, end, strand.

    A strand of `+`, `.` or nothing is the forward one. Raises BadTable, naming file and line, for wrong columns, a row
    with more or fewer fields, a start or end that is no whole number, a negative start, an empty interval, another
    strand, or an id that occurs twice in this file (ids may repeat between classes and splits).
    """
    path = Path(path)
    rows = _lines(path, ",")
    header = rows["text"][0].split(",")
    if header != list(GB_COLUMNS):
        raise BadTable(f"{path} line 1: wanted the columns {','.join(GB_COLUMNS)}, found {','.join(header)[:200]}")
    if len(rows) == 1:
        raise BadTable(f"{path} has a header and no row; a class needs at least one interval")
    columns = _columns(path, rows[1:], GB_COLUMNS, ",")
    _refuse(path, columns, columns["id"] == "", "id", "an id")
    _refuse(path, columns, ~columns["id"].is_first_distinct(), "id", "an id that no earlier row has")
    return IntervalTable(_intervals(path, columns), columns["id"].to_numpy())


def read_bed(path: Path) -> IntervalTable:
    """Read a BED file of three to six columns, gzipped or not; further columns (narrowPeak) are not looked at.

    Lines that begin with `track`, `browser` or `#` are skipped. Names in column 4 are the ids where each is given once,
    else the row number is, counted from 0. Raises BadTable as `read_gb_table` does.
    """
    import polars as pl

    path = Path(path)
    rows = _lines(path, "\t").filter(~pl.col("text").str.contains(r"^(#|track(\s|$)|browser(\s|$))"))
    if not len(rows):
        raise BadTable(f"{path} has no interval; a BED line is chromosome, start and end, separated by tabs")
    if "\t" not in rows["text"][0]:
        rows = rows.with_columns(pl.col("text").str.strip_chars().str.replace_all(r"\s+", "\t"))
    width = rows["text"][0].count("\t") + 1
    if width < 3:
        raise BadTable(
            f"{path} line {rows['line'][0]}: wanted 3 to 6 columns (chromosome, start, end), found {width}: "
            f"{rows['text'][0][:80]!r}"
        )
    columns = _columns(path, rows, [*BED_COLUMNS, *map(str, range(6, width))][:width], "\t")
    named = "id" in columns.columns and columns["id"].n_unique() == len(columns)
    ids = columns["id"] if named else pl.Series(np.arange(len(columns))).cast(pl.String)
    return IntervalTable(_intervals(path, columns), ids.to_numpy())


def _lines(path: Path, separator: str) -> "pl.DataFrame":
    """Every line that is not blank, and its number in the file."""
    import polars as pl

    text = read_text(path).replace(b"\r\n", b"\n").decode()
    if separator == "," and '"' in text:
        text = _unquoted(path, text)
    lines = pl.Series("text", text.split("\n"))
    numbers = pl.Series("line", np.arange(1, len(lines) + 1))
    return pl.DataFrame([lines, numbers]).filter(pl.col("text").str.contains(r"\S"))


def _unquoted(path: Path, text: str) -> str:
    """The same lines without the quotes that R and spreadsheets put round fields."""
    rows = list(csv.reader(text.split("\n")))
    if len(rows) != text.count("\n") + 1 or any("," in field for row in rows for field in row):
        raise BadTable(f"{path} has a quoted field that holds a comma or a line break; write it without")
    return "\n".join(",".join(row) for row in rows)


def _columns(path: Path, rows: "pl.DataFrame", names: Sequence[str], separator: str) -> "pl.DataFrame":
    """The fields under their names, with `line` and `text`; start and end as whole numbers."""
    import polars as pl

    fields = rows["text"].str.splitn(separator, len(names)).struct.rename_fields(list(names)).struct.unnest()
    last = fields[names[-1]]  # null where a line has too few fields, holds the rest of the line where it has too many
    ragged = last.is_null() | last.str.contains(separator, literal=True).fill_null(False)
    _refuse(path, rows, ragged, "text", f"{len(names)} fields, as on the first line")
    numbers = fields.select(pl.col("start", "end").cast(pl.Int64, strict=False))
    for name in ("start", "end"):
        _refuse(path, rows.hstack(fields.select(name)), numbers[name].is_null(), name, f"a whole number as {name}")
    return rows.hstack(fields.with_columns(numbers))


def _intervals(path: Path, columns: "pl.DataFrame") -> Intervals:
    """Check what the numbers mean, and leave polars."""
    start, end = columns["start"], columns["end"]
    _refuse(path, columns, columns["region"] == "", "text", "the name of a chromosome")
    _refuse(path, columns, start < 0, "start", "a start of 0 or more (0-based)")
    _refuse(path, columns, end <= start, "text", "an end beyond the start, the interval is empty")
    strand = None
    if "strand" in columns.columns:
        _refuse(
            path, columns, ~columns["strand"].is_in(["+", "-", ".", ""]), "strand", "a strand of +, -, . or nothing"
        )
        backward = (columns["strand"] == "-").to_numpy()
        strand = np.where(backward, "-", "+") if backward.any() else None
    return Intervals(
        columns["region"].to_numpy(), start.to_numpy(), end.to_numpy(), strand, str(path), columns["line"].to_numpy()
    )


def _refuse(path: Path, columns: "pl.DataFrame", bad: "pl.Series", name: str, wanted: str) -> None:
    """Raise BadTable for the first row that is marked bad, quoting its value."""
    row = bad.arg_max()
    if row is not None and bad[row]:
        found = str(columns[name][row])[:120]
        raise BadTable(
            f"{path} line {columns['line'][row]}: wanted {wanted}, found {found!r}; correct or remove the row"
        )
