"""LightningDataModules: one serves every benchmark; a family's class only says which keys its YAML holds."""

from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.benchmarks.base import Benchmark
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.benchmarks.motifs import Motifs
from genolightning.data.array_source import ArraySource
from genolightning.data.batch_source import BatchSource, Tokenize
from genolightning.data.device_source import ON_DEVICE, on_device
from genolightning.data.encoded_split import EncodedSplit, check_split, concatenated, open_split
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError, check_integer
from genolightning.facts import NO_LABEL, Facts

SPLITS = ("train", "validation", "test")
BATCHES_TO_DEAL = 64  # an evaluation has as many, where it has the rows, for each of several processes needs one


class SequenceDataModule(pl.LightningDataModule):
    """Serve a benchmark as whole batches of base codes.

    A split without a file of its own is cut from train by `seed`, first test, then validation, class by class where
    rows have classes; with `validation_fraction` 0 there is no validation at all, a file of it is left alone. `split`
    is `original`, or a re-split of the published rows (`clean`, `chromosome`: see benchmarks/splits.py). Of what is
    left in train, `train_fraction` is kept, smaller shares inside larger ones. `augment` (`reverse_complement`,
    `shift_bp`, `substitute`) touches training batches only. `too_long` says what becomes of rows longer than the model
    takes: `error`, or `crop` (their first bases are kept). `on_device` keeps the rows on the GPU: `auto` where they fit
    into a quarter of its free memory and no workers are asked for. After `facts()` the splits are encoded and open.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        *,
        batch_size: int = 64,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.2,
        train_fraction: float = 1.0,
        split: str = "original",
        augment: dict[str, Any] | None = None,
        too_long: str = "error",
        bucket: bool = False,
        workers: int = 0,
        on_device: str | bool = "auto",
        seed: int = 1,
    ) -> None:
        super().__init__()
        if on_device not in ON_DEVICE:
            raise UserError(f"dataset.on_device={on_device}: wanted auto, true or false")
        if too_long not in ("error", "crop"):
            raise UserError(f"dataset.too_long={too_long}: wanted error or crop")
        if not 0 <= validation_fraction < 1:
            raise UserError(f"dataset.validation_fraction={validation_fraction}: wanted 0 (none) or a share, e.g. .1")
        if not 0 < test_fraction < 1:
            raise UserError(f"dataset.test_fraction={test_fraction}: wanted a share between 0 and 1, e.g. .1")
        if not 0 < train_fraction <= 1:
            raise UserError(f"dataset.train_fraction={train_fraction}: wanted a share above 0 and up to 1, e.g. .1")
        check_integer("dataset.batch_size", batch_size)
        self.benchmark, self.batch_size, self.seed = benchmark, batch_size, seed
        self.validation_fraction, self.test_fraction = validation_fraction, test_fraction
        self.validates = validation_fraction > 0  # else the last epoch is tested
        self.train_fraction, self.split = train_fraction, split
        self.split_id, self.split_notes = split, list[str]()
        self.augment = {"reverse_complement": False, "shift_bp": 0, "substitute": 0.0} | (augment or {})
        if strange := set(self.augment) - {"reverse_complement", "shift_bp", "substitute"}:
            raise UserError(f"dataset.augment.{min(strange)}: there are reverse_complement, shift_bp, substitute")
        share = self.augment["substitute"]
        if not (isinstance(share, (int, float)) and 0 <= share < 1):
            raise UserError(f"dataset.augment.substitute={share}: wanted a share of bases, 0 up to 1, e.g. .1")
        check_integer("dataset.augment.shift_bp", self.augment["shift_bp"], 0)
        check_integer("dataset.workers", workers, 0)
        self.too_long, self.bucket, self.workers = too_long, bucket, workers
        self.on_device = on_device
        self.tokenize: Tokenize | None = None  # set by commands where the backbone reads tokens
        self.crop_bp: int | None = None
        self._stores: dict[str, EncodedSplit] = {}
        self._rows: dict[str, tuple[str, NDArray[np.int64] | None]] = {}

    def prepare_data(self) -> None:
        """Check that every file is there and build the encoded stores; one process a machine does this."""
        self.benchmark.prepare()
        for split in self.benchmark.splits():
            open_split(self.benchmark, split)

    def check(self) -> dict[str, str]:
        """Look at every byte of the encoded stores: split -> `whole`, `rebuilt` (it was damaged) or `built`."""
        return {split: check_split(self.benchmark, split) for split in self.benchmark.splits()}

    def setup(self, stage: str | None = None) -> None:
        """Open the stores and cut what has no file; safe to call again."""
        if self._rows:
            return
        self._stores = {
            split: open_split(self.benchmark, split)
            for split in self.benchmark.splits()
            if self.validates or split != "validation"
        }
        rows: dict[str, tuple[str, NDArray[np.int64] | None]] = {}
        if self.split == "original":
            left = np.arange(len(self._stores["train"].target))
        else:
            left, rows = self._split_again()
        target = self._stores["train"].target
        for number, (split, share) in enumerate(
            (("test", self.test_fraction), ("validation", self.validation_fraction))
        ):
            if split in rows or not (self.validates or split == "test"):
                continue
            if split in self._stores:
                rows[split] = (split, None)
            else:
                left, cut = cut_rows(left, target, share, [self.seed, number])
                rows[split] = ("train", cut)
        if self.train_fraction < 1:
            _, left = cut_rows(left, target, self.train_fraction, [self.seed, 2], least=1)
        rows["train"] = ("train", left if len(left) < len(target) else None)
        if empty := [split for split in rows if not self._count(*rows[split])]:
            raise UserError(f"{self.benchmark.name}: no row left for {', '.join(empty)}; give a file or a larger share")
        self._rows = rows

    def _split_again(self) -> tuple[NDArray[np.int64], dict[str, tuple[str, NDArray[np.int64] | None]]]:
        """Lay the published train and test rows end to end under `train`; (rows of train, rows of what else is set)."""
        from genolightning.benchmarks.splits import assign

        chosen = assign(self.benchmark, self.split, self.seed)
        self.split_id, self.split_notes = chosen.id, chosen.notes
        store = self._stores["train"] = concatenated(self._stores["train"], self._stores.pop("test"))
        rows: dict[str, tuple[str, NDArray[np.int64] | None]] = {}
        rows["test"] = ("train", np.flatnonzero(np.isin(store.index, chosen.test)))
        if chosen.validation is not None and self.validates:
            held = np.flatnonzero(np.isin(self._stores["validation"].index, chosen.validation))
            rows["validation"] = ("validation", held)
        return np.flatnonzero(np.isin(store.index, chosen.train)), rows

    def has_file(self, split: str) -> bool:
        """Whether a split's rows are published ones, not cut from train by the seed."""
        self.setup()
        return self.split != "original" or (split in self._stores and self._rows[split][1] is None)

    def index(self, split: str) -> NDArray[np.int64]:
        """Row numbers of a split in its table, before any drop."""
        self.setup()
        source, rows = self._rows[split]
        index = self._stores[source].index
        return index if rows is None else index[rows]

    def _count(self, source: str, rows: NDArray[np.int64] | None) -> int:
        return len(self._stores[source].index) if rows is None else len(rows)

    def origin(self) -> dict[str, str]:
        """Split -> where its rows come from: `original`, a re-split's id, `random, seed N` where cut from train, `none`
        where there is no validation.
        """
        self.setup()
        again, random = self.split != "original", f"random, seed {self.seed}"
        found = {"train": random, "validation": "none", "test": random}
        for split, (source, rows) in self._rows.items():
            if again and (split != "validation" or "validation" in self._stores):
                found[split] = self.split_id
            else:
                found[split] = "original" if source == split and rows is None else random
        return found

    def facts(self) -> Facts:
        """What a model may know of this dataset; test rows are counted, never looked at."""
        self.prepare_data()
        self.setup()
        benchmark = self.benchmark
        source, rows = self._rows["train"]
        store = self._stores[source]
        target = store.target if rows is None else store.target[rows]
        lengths = store.lengths() if rows is None else store.lengths()[rows]
        counts, absent = list[int](), list[int]()
        mean, sd = 0.0, 1.0
        if benchmark.kind in ("binary", "multiclass"):
            labelled = target[target != NO_LABEL]
            counts = np.bincount(labelled, minlength=len(benchmark.classes)).tolist()
        elif benchmark.kind == "multilabel":
            counts, absent = ((target == one).sum(axis=tuple(range(target.ndim - 1))).tolist() for one in (1, 0))
        elif benchmark.kind == "regression":
            mean, sd = float(np.nanmean(target)), float(np.nanstd(target)) or 1.0
        return Facts(
            kind=benchmark.kind,
            classes=list(benchmark.classes),
            length_bp=int(lengths.max()),
            shortest_bp=int(lengths.min()),
            resolution_bp=benchmark.resolution_bp,
            reverse_complement=getattr(benchmark, "reverse_complement", None),
            rows={split: self._count(*self._rows[split]) if split in self._rows else 0 for split in SPLITS},
            class_counts=counts,
            absent_counts=absent,
            target_mean=mean,
            target_sd=sd,
        )

    def limit(self, length_bp: int | None) -> None:
        """Note the longest row the model takes: longer rows are cropped, or are an error, as `too_long` says."""
        self.setup()
        if length_bp is None:
            return
        for split, (source, rows) in self._rows.items():
            store = self._stores[source]
            lengths = store.lengths() if rows is None else store.lengths()[rows]
            if lengths.max() > length_bp and self.too_long == "error":
                row = int(np.argmax(lengths > length_bp))
                name = store.ids[row if rows is None else rows[row]]
                raise UserError(
                    f"{self.benchmark.name}: {int((lengths > length_bp).sum())} {split} rows are longer than the "
                    f"{length_bp} bp this model takes (first: {name}, {lengths[row]} bp); add dataset.too_long=crop"
                )
        self.crop_bp = length_bp

    def ids(self, split: str) -> NDArray[Any]:
        """The names of a split's rows, str (rows,), in table order."""
        source, rows = self._rows[split]
        ids = self._stores[source].ids
        return ids if rows is None else ids[rows]

    def source(self, split: str, *, strands: bool = False) -> ArraySource:
        """A split's rows as they are served; UserError for validation where there is none."""
        self.setup()
        if split not in self._rows:
            raise UserError(
                f"{self.benchmark.name}: no {split} rows; give dataset.validation_fraction a share, e.g. .1"
            )
        name, rows = self._rows[split]
        source = ArraySource(
            self._stores[name],
            rows,
            crop_bp=self.crop_bp,
            strands=strands,
            resolution_bp=self.benchmark.resolution_bp,
            reverse_complement=getattr(self.benchmark, "reverse_complement", None),
        )
        if self.tokenize is not None and not (
            split == "train" and (self.augment["shift_bp"] or self.augment["substitute"])
        ):
            source.tokenize(self.tokenize)
        return source

    def train_dataloader(self) -> BatchLoader:
        """Shuffled, augmented training batches; UserError where targets in bins cannot follow the bases."""
        rank, world = self._place()
        source = self.source("train", strands=self.augment["reverse_complement"])
        if (resolution_bp := self.benchmark.resolution_bp or 1) > 1:
            self._keep_bins(source, resolution_bp)
        return BatchLoader(
            self._placed(source),
            batch_size=self.batch_size,
            shuffle=True,
            seed=self.seed,
            shift_bp=self.augment["shift_bp"],
            substitute=self.augment["substitute"],
            bucket=self.bucket,
            rank=rank,
            world=world,
            workers=self.workers,
            tokenize=self.tokenize,
        )

    def _keep_bins(self, source: ArraySource, resolution_bp: int) -> None:
        """Refuse what would move bases across the borders of bins."""
        name = self.benchmark.name
        if moves := self.augment["shift_bp"]:
            raise UserError(
                f"{name}: targets stand in bins of {resolution_bp} bp, moving bases by up to {moves} would leave "
                "them behind; use dataset.augment.shift_bp=0"
            )
        uneven = np.flatnonzero(source.lengths % resolution_bp)
        if self.augment["reverse_complement"] and len(uneven):
            row = int(uneven[0])
            raise UserError(
                f"{name}: row {self.ids('train')[row]} has {source.lengths[row]} bp, no multiple of its bins of "
                f"{resolution_bp} bp, so the other strand has other bins; use dataset.augment.reverse_complement=false"
            )

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """A batch that lies there already is left alone: Lightning would look at each of its parts."""
        if batch.codes.device == device:
            return batch
        moved: Batch = super().transfer_batch_to_device(batch, device, dataloader_idx)
        return moved

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """Validation batches in table order; an empty list where there is no validation."""
        return self._in_order("validation") if self.validates else []

    def test_dataloader(self) -> BatchLoader:
        """Test batches in table order."""
        return self._in_order("test")

    def _in_order(self, split: str) -> BatchLoader:
        rank, world = self._place()
        source = self.source(split)
        size = max(1, min(self.batch_size, source.rows // BATCHES_TO_DEAL))
        return BatchLoader(self._placed(source), batch_size=size, rank=rank, world=world, workers=self.workers)

    def _placed(self, source: ArraySource) -> BatchSource:
        if self.trainer is None or self.workers or (self.tokenize is not None and source.tokens is None):
            return source
        return on_device(source, self.trainer.strategy.root_device, self.on_device)

    def _place(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def notes(self) -> tuple[dict[str, dict[str, int]], list[str]]:
        """Rows left out, by split and reason; and what else a reader of the scores should know."""
        dropped = {split: store.dropped for split, store in self._stores.items() if store.dropped}
        return dropped, [*self.split_notes, *(warning for store in self._stores.values() for warning in store.warnings)]


def cut_rows(
    rows: NDArray[np.int64], target: NDArray[Any], share: float, seed: list[int], *, least: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut a random share off, class by class where rows have classes: (what is left, what was cut), both in order.

    At least `least` of each class are cut. With the same seed a smaller share lies inside a larger one.
    """
    random = np.random.default_rng(seed)
    classes = target[rows] if target.ndim == 1 and target.dtype.kind == "i" else np.zeros(len(rows), np.int64)
    taken = np.zeros(len(rows), bool)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        taken[random.permutation(members)[: max(least, round(len(members) * share))]] = True
    return rows[~taken], rows[taken]


class TableDataModule(SequenceDataModule):
    """Labelled sequence tables: GUE, and a user's own csv, tsv or parquet."""

    def __init__(
        self,
        *,
        name: str,
        train: str,
        validation: str | None = None,
        test: str | None = None,
        sequence: str = "sequence",
        label: str | list[str] = "label",
        id: str | None = None,
        kind: str | None = None,
        classes: list[str] | None = None,
        resolution_bp: int | None = None,
        reverse_complement: dict[str, str] | None = None,
        card: dict[str, Any] | None = None,
        **serving: Any,
    ) -> None:
        table = LabelledTable(
            name=name,
            train=train,
            validation=validation,
            test=test,
            sequence=sequence,
            label=label,
            id=id,
            kind=kind,
            classes=classes,
            resolution_bp=resolution_bp,
            reverse_complement=reverse_complement,
        )
        super().__init__(table, **serving)


class IntervalDataModule(SequenceDataModule):
    """Interval tables and a reference genome a class: the nine Genomic Benchmarks."""

    def __init__(
        self,
        *,
        name: str,
        folder: str,
        kind: str,
        classes: list[str],
        assembly: str | dict[str, str],
        genome: str | None = None,
        genomes: dict[str, str] | None = None,
        missing: str = "error",
        resolution_bp: int | None = None,
        card: dict[str, Any] | None = None,
        **serving: Any,
    ) -> None:
        tables = IntervalTables(
            name=name,
            folder=folder,
            kind=kind,
            classes=classes,
            assembly=assembly,
            genome=genome,
            genomes=genomes,
            missing=missing,
        )
        super().__init__(tables, **serving)


class MotifsDataModule(SequenceDataModule):
    """The embedded datasets: planted motif pairs, written once as FASTA and interval tables."""

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        classes: list[str],
        generator_seed: int = 1,
        resolution_bp: int | None = None,
        card: dict[str, Any] | None = None,
        **serving: Any,
    ) -> None:
        motifs = Motifs(
            name=name, kind=kind, classes=classes, resolution_bp=resolution_bp, generator_seed=generator_seed
        )
        super().__init__(motifs, **serving)
