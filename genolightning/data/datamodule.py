"""LightningDataModules: one serves every benchmark; a family's class only names the benchmark class it is built on."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.benchmarks.base import SPLITS, Benchmark
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.benchmarks.motifs import Motifs
from genolightning.data.array_source import ArraySource
from genolightning.data.batch_source import BatchSource, Tokenize
from genolightning.data.device_source import on_device
from genolightning.data.encoded_split import check_split, open_split
from genolightning.data.loader import BatchLoader
from genolightning.data.partition import Partition, divide, training_facts
from genolightning.data.settings import Augmentation, Loading, Splitting, refuse_unread, take_fields
from genolightning.errors import Setting, UserError
from genolightning.facts import Facts

EVALUATION_BATCHES = 64  # at least, where there are as many rows: each of several processes needs one


class InputLimits(Protocol):
    """What a backbone can read (`InputSpec` of models/base.py)."""

    @property
    def max_bp(self) -> int | None:
        """The longest row, None where any length goes."""

    @property
    def max_tokens(self) -> int | None:
        """The largest number of tokens in a row, None where any number goes."""

    @property
    def tokenizer(self) -> Tokenize | None:
        """What turns (codes, lengths) into tokens, None where bases are read."""


class SequenceDataModule(pl.LightningDataModule):
    """Serve a benchmark as whole batches of base codes.

    `settings` are the fields of `Splitting` and `Loading`, and `augment`, a mapping with the fields of `Augmentation`,
    which touches training batches only; what else they hold builds the benchmark, where none is given. A setting that
    nothing reads is a UserError. After `facts()` the splits are encoded and open.
    """

    benchmark_class: ClassVar[Callable[..., Any] | None] = None

    def __init__(self, benchmark: Benchmark | None = None, **settings: Any) -> None:
        super().__init__()
        self.splitting = Splitting(**take_fields(settings, Splitting))
        self.augmentation = Augmentation.from_mapping(settings.pop("augment", None) or {})
        self.loading = Loading(**take_fields(settings, Loading))
        self.benchmark: Any = self._benchmark(settings) if benchmark is None else benchmark
        if benchmark is not None:
            refuse_unread(settings, (), benchmark.name)
        self.tokenize: Tokenize | None = None
        self.max_tokens: int | None = None
        self.crop_bp: int | None = None
        self._partition: Partition | None = None

    def _benchmark(self, settings: dict[str, Any]) -> Any:
        """Build the benchmark from its own settings."""
        if self.benchmark_class is None:
            raise UserError(f"{type(self).__name__}: no benchmark; give one, or use the datamodule of its family")
        keys = tuple(inspect.signature(self.benchmark_class).parameters)
        refuse_unread(settings, keys, settings.get("name", type(self).__name__))
        return self.benchmark_class(**{key: value for key, value in settings.items() if key in keys})

    @property
    def batch_size(self) -> int:
        """Rows a batch, per process."""
        return self.loading.batch_size

    @property
    def seed(self) -> int:
        """Seed of the split and of the order of training rows."""
        return self.splitting.seed

    @property
    def split(self) -> str:
        """`original`, `clean` or `chromosome`."""
        return self.splitting.split

    @property
    def validates(self) -> bool:
        """Whether there is a validation split; without one the last epoch is tested."""
        return self.splitting.validates

    @property
    def test_fraction(self) -> float:
        """Share of train that is cut off as test where there is no test table."""
        return self.splitting.test_fraction

    def prepare_data(self) -> None:
        """Check that every file is there and build the encoded splits; one process a machine does this."""
        self.benchmark.prepare()
        for split in self.benchmark.splits():
            open_split(self.benchmark, split)

    def check(self) -> dict[str, str]:
        """Read every byte of the encoded splits: split -> `whole`, `rebuilt` (it was damaged) or `built`."""
        return {split: check_split(self.benchmark, split) for split in self.benchmark.splits()}

    def setup(self, stage: str | None = None) -> None:
        """Open the encoded splits and cut those without a table; safe to call again."""
        if self._partition is None:
            self._partition = divide(self.benchmark, self.splitting)

    @property
    def partition(self) -> Partition:
        """The benchmark's rows, divided into splits."""
        self.setup()
        assert self._partition is not None
        return self._partition

    def has_file(self, split: str) -> bool:
        """Whether a split's rows are published ones, not cut from train by the seed."""
        partition = self.partition
        return self.split != "original" or (split in partition.tables and partition.splits[split].rows is None)

    def index(self, split: str) -> NDArray[np.int64]:
        """Row numbers of a split in its table, before any drop, int64 (rows,)."""
        split_rows = self.partition.splits[split]
        return split_rows.of(split_rows.table.index)

    def ids(self, split: str) -> NDArray[Any]:
        """The names of a split's rows, str (rows,), in table order."""
        split_rows = self.partition.splits[split]
        return split_rows.of(split_rows.table.ids)

    def origin(self) -> dict[str, str]:
        """Split -> where its rows come from: `original`, a re-split's id, `random, seed N` where cut from train, `none`
        where there is no validation.
        """
        splits = self.partition.splits
        return {split: splits[split].origin if split in splits else "none" for split in SPLITS}

    def facts(self) -> Facts:
        """What a model may know of this dataset; test rows are counted, and never read."""
        self.prepare_data()
        return training_facts(self.benchmark, self.partition)

    def configure(self, input: InputLimits) -> None:
        """Fit the batches to what a backbone reads: its tokens, and its longest row.

        Longer rows are cropped, or are a UserError, depending on `too_long`.
        """
        self.tokenize, self.max_tokens = input.tokenizer, input.max_tokens
        self.limit(input.max_bp)

    def limit(self, length_bp: int | None) -> None:
        """Set the longest row that the model takes; `too_long` decides whether longer ones are cropped or an error."""
        if length_bp is None:
            self.setup()
            return
        for split, split_rows in self.partition.splits.items():
            lengths = split_rows.of(split_rows.table.lengths())
            if lengths.max() > length_bp and self.loading.too_long == "error":
                row = int(np.argmax(lengths > length_bp))
                raise UserError(
                    f"{self.benchmark.name}: {int((lengths > length_bp).sum())} {split} rows are longer than the "
                    f"{length_bp} bp this model takes (first: {self.ids(split)[row]}, {lengths[row]} bp)",
                    Setting("dataset.too_long", "crop"),
                )
        self.crop_bp = length_bp

    def source(self, split: str, *, strands: bool = False) -> ArraySource:
        """A split's rows as batches are gathered from them; UserError for validation where there is none."""
        if split not in self.partition.splits:
            raise UserError(
                f"{self.benchmark.name}: no {split} rows; give dataset.validation_fraction a share, e.g. .1"
            )
        split_rows = self.partition.splits[split]
        source = ArraySource(
            split_rows.table,
            split_rows.rows,
            crop_bp=self.crop_bp,
            strands=strands,
            resolution_bp=self.benchmark.resolution_bp,
            reverse_complement=self.benchmark.reverse_complement,
        )
        if self.tokenize is not None and not (split == "train" and self.augmentation.changes_bases):
            source.tokenize(self.tokenize)
        return source

    def train_dataloader(self) -> BatchLoader:
        """Shuffled, augmented training batches; UserError where targets in bins cannot follow the bases."""
        rank, world = self._place()
        source = self.source("train", strands=self.augmentation.reverse_complement)
        if (resolution_bp := self.benchmark.resolution_bp or 1) > 1:
            self._keep_bins(source, resolution_bp)
        return BatchLoader(
            self._placed(source, self._device()),
            batch_size=self.batch_size,
            shuffle=True,
            seed=self.seed,
            shift_bp=self.augmentation.shift_bp,
            substitute=self.augmentation.substitute,
            bucket=self.loading.bucket,
            rank=rank,
            world=world,
            workers=self.loading.workers,
            tokenize=self.tokenize,
        )

    def _keep_bins(self, source: ArraySource, resolution_bp: int) -> None:
        """Reject augmentations that would move bases across the borders of bins."""
        name = self.benchmark.name
        if shift_bp := self.augmentation.shift_bp:
            raise UserError(
                f"{name}: targets stand in bins of {resolution_bp} bp, moving bases by up to {shift_bp} would leave "
                "them behind; use dataset.augment.shift_bp=0"
            )
        uneven = np.flatnonzero(source.lengths % resolution_bp)
        if self.augmentation.reverse_complement and len(uneven):
            row = int(uneven[0])
            raise UserError(
                f"{name}: row {self.ids('train')[row]} has {source.lengths[row]} bp, no multiple of its bins of "
                f"{resolution_bp} bp, so the other strand has other bins; use dataset.augment.reverse_complement=false"
            )

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch to the device; return it unchanged if it is there: Lightning would inspect each of its parts."""
        if batch.codes.device == device:
            return batch
        moved: Batch = super().transfer_batch_to_device(batch, device, dataloader_idx)
        return moved

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Validation batches in table order; an empty list where there is no validation."""
        return self.evaluation_loader("validation") if self.validates else []

    def test_dataloader(self) -> BatchLoader:
        """Test batches in table order."""
        return self.evaluation_loader("test")

    def evaluation_loader(self, split: str, trainer: pl.Trainer | None = None) -> BatchLoader:
        """A split's batches in table order, for the processes and the device of a trainer (default: this one's own)."""
        rank, world = self._place(trainer)
        source = self.source(split)
        size = max(1, min(self.batch_size, source.rows // EVALUATION_BATCHES))
        return BatchLoader(
            self._placed(source, self._device(trainer)),
            batch_size=size,
            rank=rank,
            world=world,
            workers=self.loading.workers,
        )

    def _placed(self, source: ArraySource, device: torch.device | None) -> BatchSource:
        if device is None or self.loading.workers or (self.tokenize is not None and source.tokens is None):
            return source
        return on_device(source, device, self.loading.on_device)

    def _place(self, trainer: pl.Trainer | None = None) -> tuple[int, int]:
        trainer = trainer or self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def _device(self, trainer: pl.Trainer | None = None) -> torch.device | None:
        trainer = trainer or self.trainer
        return None if trainer is None else trainer.strategy.root_device

    def notes(self) -> tuple[dict[str, dict[str, int]], list[str]]:
        """Rows left out, by split and reason; and what else a reader of the scores should know."""
        return self.partition.dropped(), self.partition.warnings()


class TableDataModule(SequenceDataModule):
    """Labelled sequence tables: GUE, and a user's own csv, tsv or parquet."""

    benchmark_class = LabelledTable


class IntervalDataModule(SequenceDataModule):
    """Interval tables and a reference genome a class: the nine Genomic Benchmarks."""

    benchmark_class = IntervalTables


class MotifsDataModule(SequenceDataModule):
    """The embedded datasets: planted motif pairs, written once as FASTA and interval tables."""

    benchmark_class = Motifs
