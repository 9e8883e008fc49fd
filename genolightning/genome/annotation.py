"""Gene annotation: GFF3 and GTF features as intervals, each row checked first."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import BadTable
from genolightning.genome.intervals import Intervals
from genolightning.storage.text_files import read_text

if TYPE_CHECKING:
    import polars as pl

GFF_COLUMNS = ("seqid", "source", "type", "start", "end", "score", "strand", "phase", "attributes")
LANDMARKS = ("chromosome", "region", "contig", "scaffold", "supercontig", "biological_region", "assembly_component")


class Annotation(NamedTuple):
    """The features of a file, in its order."""

    intervals: Intervals  # 0-based, half-open
    type: NDArray[Any]  # (n,) str: gene, mRNA, exon, CDS, ...
    attributes: NDArray[Any]  # (n,) str, as written

    def of_type(self, name: str) -> Intervals:
        """The intervals of one type of feature, duplicates and all; BadTable where the file has none."""
        chosen = np.flatnonzero(self.type == name)
        if not len(chosen):
            known = ", ".join(sorted(set(self.type.tolist()))[:20])
            raise BadTable(f"{self.intervals.source} has no feature of type {name!r}; its types are {known}")
        return self.intervals[chosen]

    def annotated(self) -> Intervals:
        """Every feature but the landmarks that span whole sequences: what intergenic DNA must not touch."""
        return self.intervals[np.flatnonzero(~np.isin(self.type, LANDMARKS))]


def read_gff(path: Path) -> Annotation:
    """Read GFF3 or GTF, gzipped or not. Positions there count from 1, ends included; here they are 0-based, half-open.

    Comments, directives and a `##FASTA` section are skipped; a strand of `.` or `?` is the forward one. Raises
    BadTable, naming file and line, for a row that has not nine columns, a start or end that is no whole number, a start
    below 1, an end before the start, another strand, or no name of a sequence or type.
    """
    import polars as pl

    path = Path(path)
    text = read_text(path).replace(b"\r\n", b"\n").partition(b"\n##FASTA")[0].decode()
    lines = pl.Series("text", text.split("\n"))
    rows = pl.DataFrame([lines, pl.Series("line", np.arange(1, len(lines) + 1))])
    rows = rows.filter(pl.col("text").str.contains(r"\S") & ~pl.col("text").str.starts_with("#"))
    if not len(rows):
        raise BadTable(f"{path} has no feature; a GFF line has nine columns, separated by tabs")
    _refuse(path, rows, rows["text"].str.count_matches("\t") != 8, "text", "nine columns, separated by tabs")
    fields = rows["text"].str.splitn("\t", 9).struct.rename_fields(list(GFF_COLUMNS)).struct.unnest()
    columns = rows.hstack(fields)
    for name in ("seqid", "type"):
        _refuse(path, columns, columns[name].is_in(["", "."]), "text", f"a {name} in column {_number(name)}")
    numbers = fields.select(pl.col("start", "end").cast(pl.Int64, strict=False))
    for name in ("start", "end"):
        _refuse(path, columns, numbers[name].is_null(), name, f"a whole number as {name}, column {_number(name)}")
    start, end = numbers["start"], numbers["end"]
    _refuse(path, columns, start < 1, "start", "a start of 1 or more (GFF counts from 1)")
    _refuse(path, columns, end < start, "text", "an end that is not before the start")
    _refuse(path, columns, ~columns["strand"].is_in(["+", "-", ".", "?"]), "strand", "a strand of +, -, . or ?")
    strand = np.where((columns["strand"] == "-").to_numpy(), "-", "+")
    return Annotation(
        Intervals(
            columns["seqid"].to_numpy(),
            start.to_numpy() - 1,
            end.to_numpy(),
            strand,
            str(path),
            columns["line"].to_numpy(),
        ),
        columns["type"].to_numpy(),
        columns["attributes"].to_numpy(),
    )


def _number(name: str) -> int:
    return GFF_COLUMNS.index(name) + 1


def _refuse(path: Path, rows: "pl.DataFrame", bad: "pl.Series", name: str, wanted: str) -> None:
    """Raise BadTable for the first row that is marked bad, quoting its value."""
    row = bad.arg_max()
    if row is not None and bad[row]:
        found = str(rows[name][row])[:100]
        raise BadTable(f"{path} line {rows['line'][row]}: wanted {wanted}, found {found!r}; correct or remove the row")
