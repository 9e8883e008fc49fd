"""Predictions for new DNA: FASTA, BED with a genome, or a table; neither the dataset nor labels are needed."""

import re
from collections.abc import Iterator
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import polars
from numpy.typing import NDArray

from genolightning.benchmarks.base import Rows
from genolightning.data.input_files import BED_NAMES, read_unlabelled, tiles
from genolightning.errors import UserError, check_integer
from genolightning.facts import Facts
from genolightning.genome.intervals import read_bed
from genolightning.paths import data_root, in_data_root
from genolightning.runs.load import TrainedModel
from genolightning.runs.prediction_store import StoredPredictions, predict_rows
from genolightning.runs.predictions import prediction_frame


def check_output(output: Path) -> None:
    """Raise UserError for an output file that could not be written, before anything is predicted."""
    if output.suffix not in (".parquet", ".csv"):
        raise UserError(f"output={output}: wanted a name that ends in .parquet or .csv")
    if output.is_dir():
        raise UserError(f"output={output} is a folder; name a file")
    if not output.absolute().parent.is_dir():
        raise UserError(f"output={output}: there is no folder {output.absolute().parent}; make it first")


def predict_file(
    trained: TrainedModel,
    trainer: pl.Trainer,
    source: str | Path,
    parts: Path,
    *,
    genome: str | Path | None = None,
    columns: dict[str, str | None] | None = None,
    tile_bp: int | None = None,
    batch_size: int = 64,
    crop: bool = False,
) -> Iterator[polars.DataFrame]:
    """Predict every row of a file, and yield tables of a block of rows each; nothing in other processes than the first.

    Columns: index, id, coordinates (of a BED), `p_<class>` or `prediction`, and the predicted class. `columns` names
    those of a table: `sequence` and `id`. Records longer than `tile_bp` are cut into tiles. Predictions are kept in
    the folder `parts` until all are there, so memory does not grow with them.
    """
    path = _existing("input", source)
    rows = read_unlabelled(path, genome=_existing("genome", genome) if genome else None, **(columns or {}))  # type: ignore[arg-type]
    if tile_bp is not None:
        check_integer("tile_bp", tile_bp)
        rows = tiles(rows, tile_bp)
    loader = trained.batches(
        rows._replace(index=np.arange(len(rows.ids))),  # tiles of one row share its number
        batch_size=batch_size,
        crop=crop,
        rank=trainer.global_rank,
        world=trainer.world_size,
    )
    stored = predict_rows(trainer, trained.model, loader, parts)
    if not trainer.is_global_zero:
        return
    numbers, lengths = np.arange(len(rows.ids)), loader.source.lengths
    predicted = StoredPredictions(stored, numbers, rows.ids, None, lengths, trained.facts.resolution_bp)
    places = _Places(path, rows)
    for block in predicted.blocks():
        frame = prediction_frame(
            block._replace(index=rows.index[block.index]), trained.facts.kind, trained.facts.classes
        )
        yield with_class(places.added(frame, block.index), trained.facts)
    stored.remove()


def _existing(key: str, path: str | Path) -> Path:
    """A file in the current folder or in the data root; UserError naming both where it is in neither."""
    file = in_data_root(path)
    if not file.is_file():
        looked = [Path(path).expanduser().absolute(), *([] if Path(path).is_absolute() else [data_root() / path])]
        raise UserError(f"{key}={path}: there is no such file; looked for {' and '.join(map(str, looked))}")
    return file


def with_class(frame: polars.DataFrame, facts: Facts) -> polars.DataFrame:
    """Add the column `predicted`, the class with the largest probability; nothing where there is none per row."""
    if not facts.target_kind.exclusive_classes or facts.resolution_bp is not None:
        return frame
    probabilities = frame.select([f"p_{name}" for name in facts.classes]).to_numpy()
    names = np.array(facts.classes)[probabilities.argmax(axis=1)]
    return frame.with_columns(polars.Series("predicted", names.tolist(), dtype=polars.String))


class _Places:
    """The coordinates of a BED's rows, or of their tiles; nothing for other files."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self.frame: polars.DataFrame | None = None
        if not re.search(BED_NAMES, path.name):
            return
        intervals = read_bed(path).intervals[rows.index]
        minus = np.zeros(len(rows.index), bool) if intervals.strand is None else np.asarray(intervals.strand) == "-"
        begins, ends = _tile_bounds(rows, np.asarray(intervals.end) - np.asarray(intervals.start))
        self.frame = polars.DataFrame(
            {
                "chrom": np.asarray(intervals.chrom).tolist(),
                "start": np.where(minus, intervals.end - ends, intervals.start + begins),
                "end": np.where(minus, intervals.end - begins, intervals.start + ends),
                "strand": np.where(minus, "-", "+").tolist(),
            }
        )

    def added(self, frame: polars.DataFrame, rows: NDArray[np.int64]) -> polars.DataFrame:
        """A table with chrom, start, end (0-based, half-open) and strand of these rows after index and id."""
        if self.frame is None:
            return frame
        first = ["index", "id"]
        return frame.select(first).hstack(self.frame[rows]).hstack(frame.drop(first))


def _tile_bounds(rows: Rows, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of each row within its interval, in bases as read: int64 (rows,) begins and ends."""
    counts = np.bincount(rows.index)
    begins, ends = np.zeros(len(lengths), np.int64), lengths.astype(np.int64)
    for row in np.flatnonzero(counts[rows.index] > 1):
        begins[row], ends[row] = map(int, str(rows.ids[row]).rpartition(":")[2].split("-"))
    return begins, ends
