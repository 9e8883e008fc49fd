"""DNA without labels, to predict for: FASTA, BED with a genome, or a table with a column of sequences."""

import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.labelled_table import read_table
from genolightning.benchmarks.text_table import TextTable, column
from genolightning.errors import UserError
from genolightning.genome.codes import Codes, encode
from genolightning.genome.fasta import encode_fasta
from genolightning.genome.intervals import read_bed
from genolightning.genome.reference import Genome

FASTA_NAMES = r"\.(fa|fasta|fna|ffn|frn|fas)(\.b?gz)?$"
CHUNK_BP = 1 << 26
BED_NAMES = r"\.(bed\d*|narrowPeak|broadPeak)(\.gz)?$"


def read_input(
    path: Path,
    *,
    genome: Path | None = None,
    sequence: str = "sequence",
    id: str | None = None,
    tile_bp: int | None = None,
    chunk_rows: int = 4096,
) -> Iterator[Rows]:
    """Read sequences by the file's ending, in chunks: .fa (a row a record), .bed (a row an interval of `genome`), else
    a table.

    A chunk holds at most `chunk_rows` rows and 64 Mb, or one row that is longer; `index` counts the rows of the file.
    With `tile_bp` longer rows are cut as `tiles` does. The target is empty, of shape (rows, 0). UserErrors name file
    and row.
    """
    if not path.is_file():
        raise UserError(f"input={path}: there is no such file")
    if re.search(FASTA_NAMES, path.name):
        chunks = _fasta_chunks(path, chunk_rows)
    elif re.search(BED_NAMES, path.name):
        if genome is None:
            raise UserError(f"input={path}: intervals need their genome; add genome=FILE.fa")
        chunks = _bed_chunks(path, genome, chunk_rows)
    else:
        chunks = _table_chunks(path, sequence, id, chunk_rows)
    for rows in chunks:
        yield rows if tile_bp is None else tiles(rows, tile_bp)


def read_unlabelled(
    path: Path, *, genome: Path | None = None, sequence: str = "sequence", id: str | None = None
) -> Rows:
    """Read all rows of an input file at once; see `read_input`."""
    parts = list(read_input(path, genome=genome, sequence=sequence, id=id))
    if len(parts) == 1:
        return parts[0]
    return _rows(Codes.concat([part.codes for part in parts]), np.concatenate([part.ids for part in parts]))


def _fasta_chunks(path: Path, chunk_rows: int) -> Iterator[Rows]:
    with tempfile.TemporaryFile() as encoded:
        lengths = encode_fasta(path, cast(BinaryIO, encoded))
        encoded.flush()
        values = np.asarray(np.memmap(encoded, np.uint8, "r"))
        offsets = np.concatenate([[0], np.cumsum(list(lengths.values()))]).astype(np.int64)
        names = np.array(list(lengths))
        for first, end in _ranges(np.diff(offsets), chunk_rows):
            part = np.array(values[offsets[first] : offsets[end]])
            yield _rows(Codes(part, offsets[first : end + 1] - offsets[first]), names[first:end], first)


def _bed_chunks(path: Path, genome: Path, chunk_rows: int) -> Iterator[Rows]:
    table = read_bed(path)
    reference = Genome(genome)
    for first, end in _ranges(table.intervals.lengths, chunk_rows):
        yield _rows(reference.gather(table.intervals[first:end]), table.ids[first:end], first)


def _table_chunks(path: Path, sequence: str, id: str | None, chunk_rows: int) -> Iterator[Rows]:
    table = read_table(path)
    letters = column(table, sequence, "sequence")
    ids = np.array(table.columns[id]) if id in table.columns else np.arange(len(table.row)).astype(str)
    for first, end in _ranges(np.fromiter(map(len, letters), np.int64, len(letters)), chunk_rows):
        codes = encode(letters[first:end], describe=partial(_row_of, table, first))
        yield _rows(codes, ids[first:end], first)


def _row_of(table: TextTable, first: int, row: int) -> str:
    return table.at(first + row)


def _ranges(lengths: NDArray[np.int64], chunk_rows: int) -> Iterator[tuple[int, int]]:
    """First and one past the last row of each chunk; `lengths` in bp, int64 (rows,)."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        before = int(ends[first - 1]) if first else 0
        fitting = int(np.searchsorted(ends, before + CHUNK_BP, "right"))
        end = max(first + 1, min(first + chunk_rows, fitting))
        yield first, end
        first = end


def tiles(rows: Rows, tile_bp: int) -> Rows:
    """Cut rows longer than `tile_bp` into tiles end to end; the last one ends where its row ends and may overlap.

    A tile's id is `<id>:<start>-<end>`, 0-based half-open; shorter rows stay whole; `index` stays the row's own.
    """
    values, ends, ids, index = [], [], [], []
    for row, length in enumerate(rows.codes.lengths):
        starts = [*range(0, max(length - tile_bp, 0), tile_bp), max(length - tile_bp, 0)]
        for start in starts:
            stop = min(start + tile_bp, length)
            values.append(rows.codes[row][start:stop])
            ends.append(stop - start)
            ids.append(str(rows.ids[row]) if length <= tile_bp else f"{rows.ids[row]}:{start}-{stop}")
            index.append(rows.index[row])
    offsets = np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)
    return _rows(Codes(np.concatenate(values), offsets), np.array(ids))._replace(index=np.array(index, np.int64))


def _rows(codes: Codes, ids: np.ndarray, first: int = 0) -> Rows:
    count = len(ids)
    return Rows(codes, np.zeros((count, 0), np.int64), ids, np.arange(first, first + count), {})
