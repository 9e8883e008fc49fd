"""Temporary storage of predictions: every process appends its batches, the first reads them in table order.

Memory holds one batch while predicting and one block while reading, whatever the number of rows.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genolightning.data.loader import BatchLoader
from genolightning.errors import Diverged
from genolightning.runs.predictions import Predictions

BLOCK_ROWS, BLOCK_VALUES = 2**18, 2**20  # of a block, whichever comes first; a short split is one block


class Chunk(NamedTuple):
    """A batch on disk: int64 row numbers, then float32 values."""

    first: int  # its first row number
    file: Path
    offset: int  # bytes
    shape: tuple[int, ...]  # of the values, (batch, ...)


class PredictionAppender(pl.Callback):
    """Append every predicted batch of this process to a file in `folder`, which all processes share."""

    def __init__(self, folder: Path, rank: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{rank}.part"
        self.chunks: list[Chunk] = []
        self.finite = True
        self.path.write_bytes(b"")

    def append(self, index: Tensor, values: Tensor) -> None:
        """Append row numbers, int64 (batch,), and their predicted values, float (batch, ...)."""
        array = values.float().numpy()
        self.finite &= bool(np.isfinite(array).all())
        if len(index):
            with open(self.path, "ab") as file:
                self.chunks.append(Chunk(int(index[0]), self.path, file.tell(), array.shape))
                file.write(index.numpy().astype(np.int64).tobytes())
                file.write(array.tobytes())

    def on_predict_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, *_: Any) -> None:
        """Append what `predict_step` gave: row numbers (batch,) and values (batch, ...)."""
        self.append(*outputs)


def predict_rows(trainer: pl.Trainer, model: pl.LightningModule, loader: BatchLoader, folder: Path) -> "StoredRows":
    """Predict every row of a loader into files below `folder`; every process calls this, and any may read the result.

    Raises Diverged where a predicted value is not finite.
    """
    appender = PredictionAppender(folder, trainer.global_rank)
    trainer.callbacks.append(appender)  # type: ignore[attr-defined]
    try:
        trainer.predict(model, dataloaders=loader, return_predictions=False)
    finally:
        trainer.callbacks.remove(appender)  # type: ignore[attr-defined]
    parts: list[Any] = [(appender.chunks, appender.finite)]
    if trainer.world_size > 1:
        parts *= trainer.world_size
        torch.distributed.all_gather_object(parts, (appender.chunks, appender.finite))
    if not all(finite for _, finite in parts):
        raise Diverged("the model predicts values that are not numbers; try a smaller rate, e.g. optimizer.lr=1e-4")
    return StoredRows(folder, sorted(chunk for chunks, _ in parts for chunk in chunks))


class StoredRows(NamedTuple):
    """Predicted rows on disk, in the order of their row numbers."""

    folder: Path
    chunks: list[Chunk]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(chunk.shape[0] for chunk in self.chunks)

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Row numbers (rows,) and values (rows, ...) of one block after the other; places are padded with zeros."""
        waiting: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        rows = values = 0
        for chunk in self.chunks:
            size = int(np.prod(chunk.shape))
            if waiting and (rows + chunk.shape[0] > BLOCK_ROWS or values + size > BLOCK_VALUES):
                yield _join_chunks(waiting)
                waiting, rows, values = [], 0, 0
            waiting.append(_read_chunk(chunk))
            rows, values = rows + chunk.shape[0], values + size
        if waiting:
            yield _join_chunks(waiting)

    def remove(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _read_chunk(chunk: Chunk) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rows = chunk.shape[0]
    index = np.fromfile(chunk.file, np.int64, rows, offset=chunk.offset)
    values = np.fromfile(chunk.file, np.float32, int(np.prod(chunk.shape)), offset=chunk.offset + 8 * rows)
    return index, values.reshape(chunk.shape)


def _join_chunks(
    parts: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return np.concatenate([index for index, _ in parts]), concatenate_padded([values for _, values in parts])


def concatenate_padded(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Concatenate (rows, places, ...) arrays of different numbers of places, padded with zeros; (rows,) as they are."""
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    widest = max(array.shape[1] for array in arrays)
    return np.concatenate([pad_places(array, widest) for array in arrays])


def pad_places(values: NDArray[Any], places: int) -> NDArray[Any]:
    """Pad (rows, places, ...) with zeros on the right to so many places."""
    missing = places - values.shape[1]
    return np.pad(values, [(0, 0), (0, missing), *[(0, 0)] * (values.ndim - 2)]) if missing else values


@dataclass(frozen=True)
class StoredPredictions:
    """The predictions of a split on disk, with the ids and labels of its table.

    Rows of a `language_model` hold two values: the summed -log p in nats, and how many bases it is over.
    """

    stored: StoredRows
    index: NDArray[np.int64]  # (rows,) row numbers of the table
    ids: NDArray[Any]  # str (rows,)
    target: NDArray[Any] | None
    lengths: NDArray[np.int64]  # (rows,) bp
    resolution_bp: int | None = None
    language_model: bool = False

    @property
    def places(self) -> NDArray[np.int64] | None:
        """Bases or bins of each row, int64 (rows,); None with one label a row."""
        return -(-self.lengths // self.resolution_bp) if self.resolution_bp else None

    def blocks(self) -> Iterator[Predictions]:
        """Predictions of one block of rows after the other, in table order."""
        start, places = 0, self.places
        for index, values in self.stored.blocks():
            rows = slice(start, start := start + len(index))
            assert (index == self.index[rows]).all(), "each row of the split once, in its order"
            if self.language_model:
                yield Predictions(index, self.ids[rows], values[:, 1], values[:, 0])
                continue
            target = None if self.target is None else np.asarray(self.target[rows])
            if target is not None and places is not None:
                values = pad_places(values, target.shape[1])
            yield Predictions(index, self.ids[rows], target, values, None if places is None else places[rows])
        assert start == len(self.index), "each row of the split once, in its order"

    def read(self) -> Predictions:
        """All predictions in memory."""
        blocks = list(self.blocks())
        targets = [block.target for block in blocks if block.target is not None]
        return Predictions(
            np.concatenate([block.index for block in blocks]),
            self.ids,
            np.concatenate(targets) if targets else None,
            concatenate_padded([block.values for block in blocks]),
            self.places,
        )
