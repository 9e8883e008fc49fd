"""The datamodule of windows over a whole genome, for language models."""

from functools import partial
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.benchmarks.base import SPLITS
from genolightning.benchmarks.genome_windows import GenomeWindows, Places
from genolightning.data.batch_source import BatchSource
from genolightning.data.datamodule import SequenceDataModule
from genolightning.data.genome_source import GenomeSource
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.facts import Facts


class GenomeWindowsDataModule(SequenceDataModule):
    """Windows over a whole FASTA for language models: another set of training windows every epoch."""

    benchmark_class = GenomeWindows

    def __init__(self, benchmark: GenomeWindows | None = None, **settings: Any) -> None:
        super().__init__(benchmark, **settings)
        if self.augmentation.shift_bp:
            raise UserError("dataset.augment.shift_bp: windows of a genome are moved every epoch as it is; leave it 0")
        if self.augmentation.substitute:
            raise UserError(
                "dataset.augment.substitute: a language model would be asked for bases drawn anew; leave it 0"
            )

    def prepare_data(self) -> None:
        """Encode the genome and check that every split has windows; one process a machine does this."""
        self.benchmark.prepare()

    def check(self) -> dict[str, str]:
        """There are no stores: windows are gathered from the genome."""
        return {}

    def has_file(self, split: str) -> bool:
        """No split is cut by the seed: chromosomes make them."""
        return True

    def index(self, split: str) -> NDArray[np.int64]:
        """Row numbers of a split, int64 (rows,)."""
        return self.source(split).index

    def setup(self, stage: str | None = None) -> None:
        """Do nothing: windows are read from the genome when they are needed."""

    def origin(self) -> dict[str, str]:
        """Split -> the chromosomes that its windows come from."""
        return {split: f"chromosomes {_few(self.benchmark.chromosomes(split))}" for split in SPLITS}

    def facts(self) -> Facts:
        """What a model may know of the windows."""
        self.prepare_data()
        windows = self.benchmark
        rows = {split: len(windows.base(split).start) for split in SPLITS}
        rows["train"] = windows.per_epoch or rows["train"]
        return Facts(windows.kind, [], windows.window_bp, windows.window_bp, None, rows)

    def limit(self, length_bp: int | None) -> None:
        """Set the longest window that the model takes; `too_long` decides if a longer one is cropped or an error."""
        if length_bp is not None and length_bp < self.benchmark.window_bp:
            if self.loading.too_long == "error":
                raise UserError(
                    f"{self.benchmark.name}: windows of {self.benchmark.window_bp} bp, this model takes {length_bp}; "
                    f"say dataset.window_bp={length_bp}"
                )
            self.crop_bp = length_bp

    def ids(self, split: str) -> NDArray[Any]:
        """`chromosome:start-end` of a split's windows, of train in its first epoch, str (rows,)."""
        windows: GenomeWindows = self.benchmark
        return windows.ids(self._places(split))

    def source(self, split: str, *, strands: bool = False) -> GenomeSource:  # type: ignore[override]
        """A split's windows, gathered from the genome; those of train are others in every epoch."""
        windows = self.benchmark
        return GenomeSource(
            windows.genome,
            _start(windows, self._places(split)),
            self.crop_bp or windows.window_bp,
            strands=strands,
            epoch_start=partial(_epoch_start, windows, self.seed) if split == "train" else None,
        )

    def _places(self, split: str) -> Places:
        windows: GenomeWindows = self.benchmark
        return windows.epoch(self.seed, 0) if split == "train" else windows.base(split)

    def _placed(self, source: Any, device: torch.device | None) -> BatchSource:
        placed: BatchSource = source  # the genome stays in the processor's memory
        return placed

    def evaluation_loader(self, split: str, trainer: pl.Trainer | None = None) -> BatchLoader:
        """A split's batches in table order; tokens are made batch by batch."""
        loader = super().evaluation_loader(split, trainer)
        loader.tokenize = self.tokenize
        return loader

    def notes(self) -> tuple[dict[str, dict[str, int]], list[str]]:
        """What a reader of the scores should know: nothing is dropped row by row."""
        return {}, []


def _start(windows: GenomeWindows, places: Places) -> NDArray[np.int64]:
    """Where each window begins in the genome's map, int64 (windows,)."""
    return windows.genome.offsets[places.record] + places.start


def _epoch_start(windows: GenomeWindows, seed: int, epoch: int) -> NDArray[np.int64]:
    return _start(windows, windows.epoch(seed, epoch))


def _few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f", ... ({len(names)})" if len(names) > 10 else "")
