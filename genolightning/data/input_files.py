"""DNA without labels, to predict for: FASTA, BED with a genome, or a table with a column of sequences."""

import io
import re
from pathlib import Path

import numpy as np

from genolightning.benchmarks.base import Rows
from genolightning.benchmarks.labelled_table import read_table
from genolightning.benchmarks.text_table import column
from genolightning.errors import UserError
from genolightning.genome.codes import Codes, encode
from genolightning.genome.fasta import encode_fasta
from genolightning.genome.intervals import read_bed
from genolightning.genome.reference import Genome

FASTA_NAMES = r"\.(fa|fasta|fna|ffn|frn|fas)(\.b?gz)?$"
BED_NAMES = r"\.(bed\d*|narrowPeak|broadPeak)(\.gz)?$"


def read_unlabelled(
    path: Path, *, genome: Path | None = None, sequence: str = "sequence", id: str | None = None
) -> Rows:
    """Read sequences by the file's ending: .fa (a row a record), .bed (a row an interval of `genome`), else a table.

    The target is empty, of shape (rows, 0). UserErrors name file and row.
    """
    if not path.is_file():
        raise UserError(f"input={path}: there is no such file")
    if re.search(FASTA_NAMES, path.name):
        out = io.BytesIO()
        lengths = encode_fasta(path, out)
        offsets = np.concatenate([[0], np.cumsum(list(lengths.values()))]).astype(np.int64)
        return _rows(Codes(np.frombuffer(out.getvalue(), np.uint8), offsets), np.array(list(lengths)))
    if re.search(BED_NAMES, path.name):
        if genome is None:
            raise UserError(f"input={path}: intervals need their genome; add genome=FILE.fa")
        table = read_bed(path)
        return _rows(Genome(genome).gather(table.intervals), table.ids)
    cells = read_table(path)
    codes = encode(column(cells, sequence, "sequence"), describe=cells.at)
    ids = np.array(cells.columns[id]) if id in cells.columns else np.arange(len(cells.row)).astype(str)
    return _rows(codes, ids)


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


def _rows(codes: Codes, ids: np.ndarray) -> Rows:
    count = len(ids)
    return Rows(codes, np.zeros((count, 0), np.int64), ids, np.arange(count), {})
