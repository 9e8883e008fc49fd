"""Windows of a genome as batches: gathered from its memory map when they are asked for, nothing copied before."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.benchmarks.genome_windows import SPLITS, GenomeWindows
from genolightning.data.array_source import Servable, Taken
from genolightning.data.datamodule import SequenceDataModule
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.facts import NO_LABEL, Facts
from genolightning.genome.alphabet import N


class WindowTable:
    """A split of a genome's windows; with `strands`, rows n..2n-1 are the other strands of rows 0..n-1.

    Train holds the windows of one epoch and gives those of another by `at_epoch`. The target of a window is its own
    bases, int64 (batch, length), -100 where a base is unknown. Safe in forked and spawned workers.
    """

    resolution_bp: int | None = None

    def __init__(
        self, windows: GenomeWindows, split: str, *, seed: int = 0, length_bp: int | None = None, strands: bool = False
    ) -> None:
        self.windows, self.split, self.seed, self.strands = windows, split, seed, strands
        self.length_bp = length_bp or windows.window_bp
        self.places = windows.epoch(seed, 0) if split == "train" else windows.base(split)
        self.rows = len(self.places.start)
        self.index = np.arange(self.rows)
        self.tokens = None

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Every window is equally long, int64 (rows,)."""
        return np.full(self.rows, self.length_bp)

    @property
    def target(self) -> NDArray[np.int64]:
        """The targets of all rows, gathered now, int64 (rows, length)."""
        return self.take(self.index).target

    def at_epoch(self, epoch: int) -> "WindowTable":
        """The windows of an epoch of train; those of other splits stay where they are."""
        if self.split != "train":
            return self
        moved = copy.copy(self)
        moved.places = self.windows.epoch(self.seed, epoch)
        return moved

    def take(self, rows: NDArray[np.int64]) -> Taken:
        """Gather windows from the genome."""
        row = rows % self.rows
        strand = np.where(rows >= self.rows, "-", "+") if self.strands else None
        codes = self.windows.genome.gather(self.windows.intervals(self.places.take(row), self.length_bp, strand))
        assert isinstance(codes, np.ndarray), "windows are equally long"
        target = np.where(codes < N, codes.astype(np.int64), NO_LABEL)
        return Taken(codes, np.full(len(rows), self.length_bp), target, row)

    def serve(self, rows: NDArray[np.int64], by: NDArray[np.int64] | None = None) -> Batch:
        """One batch; windows are moved by the epoch, never by `by`."""
        assert by is None, "the epoch moves windows"
        codes, lengths, target, index = map(torch.from_numpy, self.take(rows))
        return Batch(codes, lengths, target, index)


class GenomeWindowsDataModule(SequenceDataModule):
    """Windows over a whole FASTA for language models: another set of training windows every epoch."""

    benchmark: GenomeWindows

    def __init__(
        self,
        *,
        name: str,
        genome: str,
        kind: str,
        window_bp: int,
        validation_chromosomes: Sequence[str],
        test_chromosomes: Sequence[str],
        exclude_chromosomes: Sequence[str] = (),
        max_n: float = 0.1,
        windows_per_epoch: int | None = None,
        evaluation_windows: int | None = None,
        resolution_bp: int | None = None,
        card: dict[str, Any] | None = None,
        **serving: Any,
    ) -> None:
        windows = GenomeWindows(
            name=name,
            genome=genome,
            kind=kind,
            window_bp=window_bp,
            validation_chromosomes=validation_chromosomes,
            test_chromosomes=test_chromosomes,
            exclude_chromosomes=exclude_chromosomes,
            max_n=max_n,
            windows_per_epoch=windows_per_epoch,
            evaluation_windows=evaluation_windows,
        )
        super().__init__(windows, **serving)
        if self.augment["shift_bp"]:
            raise UserError("dataset.augment.shift_bp: windows of a genome are moved every epoch as it is; leave it 0")
        if self.augment["substitute"]:
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
        """Row numbers of a split."""
        return self.table(split).index

    def setup(self, stage: str | None = None) -> None:
        """Nothing is copied out of the genome beforehand."""

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
        """Note the longest window the model takes; a longer one is cropped, or is an error, as `too_long` says."""
        if length_bp is not None and length_bp < self.benchmark.window_bp:
            if self.too_long == "error":
                raise UserError(
                    f"{self.benchmark.name}: windows of {self.benchmark.window_bp} bp, this model takes {length_bp}; "
                    f"say dataset.window_bp={length_bp}"
                )
            self.crop_bp = length_bp

    def ids(self, split: str) -> NDArray[Any]:
        """`chromosome:start-end` of a split's windows, of train in its first epoch, str (rows,)."""
        return self.benchmark.ids(self.table(split).places)

    def table(self, split: str, *, strands: bool = False) -> WindowTable:  # type: ignore[override]
        """A split's windows as they are served."""
        return WindowTable(self.benchmark, split, seed=self.seed, length_bp=self.crop_bp, strands=strands)

    def _placed(self, table: Any) -> Servable:
        placed: Servable = table  # the genome stays in the processor's memory
        return placed

    def _in_order(self, split: str) -> BatchLoader:
        loader = super()._in_order(split)
        loader.tokenize = self.tokenize
        return loader

    def notes(self) -> tuple[dict[str, dict[str, int]], list[str]]:
        """What a reader of the scores should know: nothing is dropped row by row."""
        return {}, []


def _few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f", ... ({len(names)})" if len(names) > 10 else "")
