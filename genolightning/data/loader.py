"""The loader: whole batches in an order that is a function of (seed, epoch), with a state that can be saved.

One NumPy permutation an epoch and one gather a batch; no per-row Python. Lightning leaves this loader alone because it
is no DataLoader: it deals its own batches to ranks, and its `state_dict` goes into the checkpoint.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from genolightning.batch import Batch
from genolightning.data.batch_source import BatchSource, Tokenize
from genolightning.errors import UserError

TOGETHER, TOGETHER_BYTES = 64, 1 << 21  # batches of one gather, at most: their rows still fit a cache
POOL_BATCHES = 50  # length-bucketed batches are cut from pools of this many


class BatchLoader:
    """Serve a source in batches.

    Training (`shuffle`): an epoch is a permutation cut into global batches of near-equal size, each row once; rank r of
    w takes every w-th row of each. Evaluation: batches in table order, the same whatever the number of ranks, dealt out
    whole. `batch_size` is rows per process. With a source of both strands each row is served on a random one.
    `shift_bp` moves each row by up to so many bases either way, `substitute` draws about that share of bases anew;
    `bucket` puts rows of like length together.
    `len()` is the full epoch; iteration starts after the batch named by a loaded state, once.
    """

    def __init__(
        self,
        source: BatchSource,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        shift_bp: int = 0,
        substitute: float = 0.0,
        bucket: bool = False,
        rank: int = 0,
        world: int = 1,
        workers: int = 0,
        start_method: str | None = None,
        tokenize: Tokenize | None = None,
    ) -> None:
        self.source, self.batch_size, self.shuffle, self.seed = source, batch_size, shuffle, seed
        self.shift_bp, self.substitute, self.bucket, self.tokenize = shift_bp, substitute, bucket, tokenize
        self.rank, self.world, self.workers, self.start_method = rank, world, workers, start_method
        rows = source.rows
        self.steps = -(-rows // (batch_size * world)) if shuffle else len(range(0, rows, batch_size)[rank::world])
        if world > 1 and (rows // max(self.steps, 1) < world if shuffle else self.steps == 0):
            kind = "training rows" if shuffle else f"rows in batches of {batch_size}"
            raise UserError(f"{rows} {kind} cannot be shared by {world} processes; use fewer devices")
        self.epoch = self.done = self._start = 0
        self._planned: tuple[int, BatchSource, NDArray[Any], NDArray[Any] | None] | None = None
        self.sampler, self.batch_sampler = self, None  # Lightning calls loader.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return self.steps

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation; a state loaded for another epoch is forgotten."""
        if epoch != self.epoch:
            self.epoch, self.done, self._start = epoch, 0, 0

    def state_dict(self) -> dict[str, int]:
        """Position in the epoch: plain integers, without the rank."""
        return {
            "epoch": self.epoch,
            "done": self.done,
            "seed": self.seed,
            "rows": self.source.rows,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after batch `done` of epoch `epoch`; UserError where data, seed or batch size are others."""
        now = self.state_dict()
        if any(state[key] != now[key] for key in ("seed", "rows", "steps")):
            raise UserError(f"the checkpoint was made with other data, seed or batch size: {state}, now {now}")
        self.epoch, self.done, self._start = state["epoch"], state["done"], state["done"]

    def __iter__(self) -> Iterator[Batch]:
        # a generator: nothing runs before the first next(), that is after Lightning's set_epoch
        start, self._start = self._start, 0
        self.done = start
        numbers = range(start, self.steps)
        batches = self._from_workers(numbers) if self.workers else self._batches(numbers)
        for batch in batches:
            self.done += 1  # counted when handed over, not when a worker prefetches
            yield batch
        if self.shuffle:
            self.epoch, self.done = self.epoch + 1, 0

    def _batches(self, numbers: range) -> Iterator[Batch]:
        """Batches of equally long rows are cut from one gather of several: its fixed costs are paid once."""
        if not self.source.equal_lengths or self.tokenize is not None or self.world > 1:
            yield from map(self.batch, numbers)
            return
        source, rows, shifts = self._plan() if self.shuffle else (self.source, np.arange(self.source.rows), None)
        together = max(1, min(TOGETHER, TOGETHER_BYTES // (self.batch_size * int(self.source.lengths[0]))))
        for first in range(numbers.start, numbers.stop, together):
            bounds = [self._place(number) for number in range(first, min(first + together, numbers.stop))]
            span = slice(bounds[0][0], bounds[-1][1])
            several = source.gather(rows[span], None if shifts is None else shifts[span])
            sizes = [end - start for start, end in bounds]
            lengths = {size: several.lengths[:size] for size in {*sizes}}  # they are all the same
            codes, target, index = (
                torch.split(tensor, sizes) for tensor in (several.codes, several.target, several.index)
            )
            if self.substitute:
                for number, batch in enumerate(codes, first):
                    self._substitute(batch, number)
            yield from map(Batch, codes, map(lengths.__getitem__, sizes), target, index)

    def _place(self, number: int) -> tuple[int, int]:
        """First and one past the last row of a global batch of training, or of this rank's batch of evaluation."""
        if self.shuffle:
            return _bounds(self.source.rows, self.steps, number)
        first = (self.rank + number * self.world) * self.batch_size
        return first, min(first + self.batch_size, self.source.rows)

    def batch(self, number: int) -> Batch:
        """Batch `number` of the epoch, on this rank."""
        first, end = self._place(number)
        if self.shuffle:
            source, order, shifts = self._plan()
            mine = slice(first + self.rank, end, self.world)
            batch = source.gather(order[mine], None if shifts is None else shifts[mine])
        else:
            batch = self.source.gather(np.arange(first, end))
        if self.substitute:
            self._substitute(batch.codes, number)
        if batch.tokens is None and self.tokenize is not None:
            batch = batch._replace(tokens=self.tokenize(batch.codes, batch.lengths))
        return batch

    def _substitute(self, codes: Tensor, number: int) -> None:
        """Draw some bases of a batch anew, in place: the same ones whenever this batch is made."""
        random = np.random.default_rng([self.seed, self.epoch, number, self.rank])
        where = random.integers(0, codes.numel(), random.binomial(codes.numel(), self.substitute))
        bases = random.integers(0, 4, len(where)).astype(np.uint8)
        where, last = np.unique(where[::-1], return_index=True)  # each once: of two writes to a place either may win
        drawn = torch.from_numpy(bases[::-1][last]).to(codes.device)
        places = tuple(torch.from_numpy(axis).to(codes.device) for axis in np.divmod(where, codes.shape[1]))
        codes[places] = torch.where(codes[places] < 4, drawn, codes[places])  # N and padding stay

    def weight(self, number: int) -> float:
        """What this rank's mean loss of a training batch counts in the mean over ranks: its share of the rows."""
        first, end = _bounds(self.source.rows, self.steps, number)
        return len(range(first + self.rank, end, self.world)) * self.world / (end - first)

    def _plan(self) -> tuple[BatchSource, NDArray[Any], NDArray[Any] | None]:
        """The epoch's source, its rows in order, and how far each is shifted."""
        if self._planned is None or self._planned[0] != self.epoch:
            random = np.random.default_rng([self.seed, self.epoch])
            rows = self.source.rows
            order = random.permutation(rows)
            if self.bucket:
                order = self._bucketed(order, random)
            if self.source.strands:
                order = order + rows * random.integers(0, 2, rows)
            shifts = random.integers(-self.shift_bp, self.shift_bp + 1, rows) if self.shift_bp else None
            self._planned = self.epoch, self.source.at_epoch(self.epoch), order, shifts
        return self._planned[1:]

    def _bucketed(self, order: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
        size = self.batch_size * self.world
        pools = np.array_split(order, -(-len(order) // (size * POOL_BATCHES)))
        order = np.concatenate([pool[np.argsort(self.source.lengths[pool], kind="stable")] for pool in pools])
        batches = [order[slice(*_bounds(len(order), self.steps, i))] for i in range(self.steps)]
        # batches differ by at most one row: keep the long ones first, as the bounds expect them
        long = len(order) % self.steps
        turns = [*random.permutation(long), *(long + random.permutation(self.steps - long))]
        return np.concatenate([batches[turn] for turn in turns])

    def _from_workers(self, numbers: range) -> Iterator[Batch]:
        loader = DataLoader(
            _Numbered(self),
            sampler=[(self.epoch, number) for number in numbers],
            batch_size=None,
            num_workers=self.workers,
            multiprocessing_context=self.start_method,
            generator=torch.Generator().manual_seed(0),  # its iterator must not draw from the global generator
        )
        return iter(loader)


class _Numbered(Dataset):
    """Batches by (epoch, number), for worker processes."""

    def __init__(self, loader: BatchLoader) -> None:
        self.loader = loader

    def __getitem__(self, at: tuple[int, int]) -> Batch:
        self.loader.epoch, number = at
        return self.loader.batch(number)


def _bounds(rows: int, steps: int, number: int) -> tuple[int, int]:
    """First and one past the last row of a part, where `rows` are cut into `steps` parts of near-equal size.

    >>> [_bounds(10, 4, i) for i in range(4)]
    [(0, 3), (3, 6), (6, 8), (8, 10)]
    """
    size, more = divmod(rows, steps)
    first = number * size + min(number, more)
    return first, first + size + (number < more)
