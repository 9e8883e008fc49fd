"""Windows over a whole genome: what language models of DNA are pretrained on, held out by chromosome."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genolightning.benchmarks.base import SPLITS, Rows
from genolightning.benchmarks.files import existing, shown
from genolightning.errors import GenomeMissing, Setting, UserError, check_integer
from genolightning.genome.chromosome_names import aliases, common_name, nearest
from genolightning.genome.gaps import Gaps, find_gaps
from genolightning.genome.intervals import Intervals
from genolightning.genome.reference import Genome
from genolightning.paths import data_root, in_data_root

KINDS = ("causal_lm", "masked_lm")
DRAWS = 1000  # rounds of drawing after which a genome counts as holding too few windows


class Places(NamedTuple):
    """Windows of one length, as columns."""

    record: NDArray[np.int64]  # (windows,) number of the record, in file order
    start: NDArray[np.int64]  # (windows,) first base

    def take(self, rows: NDArray[Any]) -> "Places":
        """Select windows by number, int64 (n,), or by mask, bool (windows,)."""
        return Places(self.record[rows], self.start[rows])


class GenomeWindows:
    """Windows of `window_bp` over a FASTA, split by chromosome.

    Validation and test are the tiles of their chromosomes, end to end from the first base (of more than
    `evaluation_windows`, so many evenly spaced); train is every other record that is not excluded. An epoch of train is
    its tiles, moved along each record by another distance every epoch, or `windows_per_epoch` windows drawn anywhere.
    Names may be patterns (`*_alt`). Windows with a larger share than `max_n` of unknown bases, and records shorter than
    a window, are left out. Raises UserError for names that the genome lacks and for splits that share a record.
    """

    classes: list[str] = []  # noqa: RUF012 - never written to
    resolution_bp: int | None = None
    reverse_complement: list[int] | None = None

    def __init__(
        self,
        *,
        genome: str,
        window_bp: int,
        validation_chromosomes: str | Sequence[str],
        test_chromosomes: str | Sequence[str],
        exclude_chromosomes: str | Sequence[str] = (),
        max_n: float = 0.1,
        windows_per_epoch: int | None = None,
        evaluation_windows: int | None = None,
        kind: str = "causal_lm",
        name: str = "genome_windows",
    ) -> None:
        if kind not in KINDS:
            raise UserError(f"{Setting('dataset.kind', kind)}: windows of a genome are for {' or '.join(KINDS)}")
        counts = {"windows_per_epoch": windows_per_epoch, "evaluation_windows": evaluation_windows}
        for key, count in {"window_bp": window_bp, **counts}.items():
            if count is not None:
                check_integer(
                    f"dataset.{key}", count, 2 if key == "window_bp" else 1
                )  # the first base is never predicted
        if not 0 <= max_n <= 1:
            raise UserError(f"{Setting('dataset.max_n', max_n)}: wanted a share between 0 and 1")
        self.name, self.kind, self.window_bp, self.max_n = name, kind, window_bp, max_n
        self.per_epoch, self.evaluation_windows = windows_per_epoch, evaluation_windows
        self._path = genome
        self._bases: dict[str, Places] = {}
        self._unknown: dict[int, Gaps] = {}  # by record
        self._asked = {
            "validation": _listed(validation_chromosomes),
            "test": _listed(test_chromosomes),
            "exclude": _listed(exclude_chromosomes),
        }

    def prepare(self) -> None:
        """Encode the genome and check that every split has a window."""
        for split in SPLITS:
            if not len(self.base(split).start):
                raise UserError(
                    f"{self.name}: no window of {self.window_bp} bp with at most {self.max_n:.0%} N for {split}; "
                    f"choose other chromosomes (dataset.{'exclude' if split == 'train' else split}_chromosomes) or "
                    "smaller windows (dataset.window_bp)"
                )

    def splits(self) -> list[str]:
        """All three, by chromosome."""
        return list(SPLITS)

    def sha256(self, split: str) -> dict[str, str]:
        """The genome -> its sha256."""
        return {shown(self.references()[0]): self.genome.key}

    def options(self) -> dict[str, Any]:
        """Everything that chooses windows, but the seed."""
        return {
            "kind": self.kind,
            "window_bp": self.window_bp,
            "max_n": self.max_n,
            "windows_per_epoch": self.per_epoch,
            "evaluation_windows": self.evaluation_windows,
            "chromosomes": {split: self.chromosomes(split) for split in SPLITS},
        }

    def rows(self, split: str) -> Rows:
        """A split's windows before they are moved, with an empty target: a language model's targets are the bases."""
        places = self.base(split)
        codes = self.genome.gather(self.intervals(places))
        count = len(places.start)
        return Rows(codes, np.zeros((count, 0), np.int64), self.ids(places), np.arange(count), {})

    def table_files(self, split: str) -> None:
        """None: its rows have no published intervals."""

    def published_intervals(self, split: str) -> None:
        """None: its rows have no published intervals."""

    def references(self) -> list[Path]:
        """The FASTA; GenomeMissing where it is not there."""
        wanted = in_data_root(self._path)
        found = existing(wanted) or existing(data_root() / "genomes" / f"{self._path}.fa")
        if found is None:
            raise GenomeMissing(f"{self.name}: no genome {wanted}; name one: {Setting('dataset.genome', 'FILE')}")
        return [found]

    @cached_property
    def genome(self) -> Genome:
        """The genome, encoded and open."""
        return Genome(self.references()[0])

    def chromosomes(self, split: str) -> list[str]:
        """The names of a split's records, in file order, those shorter than a window left out."""
        return self._chromosomes[split]

    @cached_property
    def _chromosomes(self) -> dict[str, list[str]]:
        named = {key: self._named(key, asked) for key, asked in self._asked.items()}
        parts = {split: named[split] - named["exclude"] for split in ("validation", "test")}
        if both := parts["validation"] & parts["test"]:
            raise UserError(f"{self.name}: {min(both)} is in validation and test; a chromosome belongs to one split")
        long = [name for name, length in self.genome.lengths.items() if length >= self.window_bp]
        parts["train"] = set(long) - set().union(*named.values())
        return {split: [name for name in long if name in parts[split]] for split in SPLITS}

    def _named(self, key: str, asked: list[str]) -> set[str]:
        names = list(self.genome.lengths)
        spelled = aliases(names)
        found: set[str] = set()
        for one in asked:
            alike = {one} & set(names) or {name for name in names if fnmatchcase(name, one)}
            alike = alike or {spelled[common] for common in [common_name(one)] if common in spelled}
            if not alike:
                raise UserError(
                    f"dataset.{key}_chromosomes: no record {one!r} in {self.genome.fasta} (nearest: "
                    f"{nearest(one, names)})"
                )
            found |= alike
        if not asked and key != "exclude":
            raise UserError(
                f"dataset.{key}_chromosomes: name what is held out, e.g. dataset.{key}_chromosomes=[{names[-1]}]"
            )
        return found

    def ids(self, places: Places) -> NDArray[Any]:
        """`chromosome:start-end`, 0-based half-open, str (windows,)."""
        names = self.intervals(places).chrom
        ends = places.start + self.window_bp
        return np.array([f"{name}:{a}-{b}" for name, a, b in zip(names, places.start, ends, strict=True)], str)

    def intervals(self, places: Places, length_bp: int | None = None, strand: NDArray[Any] | None = None) -> Intervals:
        """The windows (their first `length_bp` bases) as intervals."""
        end = places.start + (length_bp or self.window_bp)
        return Intervals(self._names[places.record], places.start, end, strand)

    @cached_property
    def _names(self) -> NDArray[Any]:
        return np.array(list(self.genome.lengths))

    def epoch(self, seed: int, epoch: int) -> Places:
        """The windows of train in one epoch, always the same number of them; a function of (seed, epoch)."""
        random = np.random.default_rng([seed, epoch])
        if self.per_epoch is not None:
            return self._drawn(random, self.per_epoch)
        base, moved = self.base("train"), self._tiles("train", random)
        short = len(base.start) - len(moved.start)
        if short <= 0:
            return moved.take(np.sort(random.permutation(len(moved.start))[: len(base.start)]))
        again = base.take(random.permutation(len(base.start))[:short])
        return Places(np.concatenate([moved.record, again.record]), np.concatenate([moved.start, again.start]))

    def base(self, split: str) -> Places:
        """A split's windows where none is moved: what validation and test are in every epoch."""
        if split not in self._bases:
            places = self._tiles(split, None)
            most = self.evaluation_windows
            if split != "train" and most is not None and len(places.start) > most:
                places = places.take(np.linspace(0, len(places.start) - 1, most).round().astype(int))
            self._bases[split] = places
        return self._bases[split]

    def _tiles(self, split: str, random: np.random.Generator | None) -> Places:
        """Tiles end to end along each record, moved by a random distance; what passes the end goes on at the front."""
        parts = []
        for record in self._records(split):
            free = int(self.genome.lengths[str(self._names[record])]) - self.window_bp + 1
            start = np.arange(0, free, self.window_bp)
            if random is not None:
                start = np.sort((start + random.integers(0, self.window_bp)) % free)
            parts.append(self._known(Places(np.full(len(start), record), start)))
        return Places(
            np.concatenate([np.empty(0, np.int64), *(part.record for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.start for part in parts)]),
        )

    def _drawn(self, random: np.random.Generator, count: int) -> Places:
        """Windows at random places, every place of the split as likely as any other."""
        records = self._records("train")
        free = np.array([self.genome.lengths[str(self._names[record])] - self.window_bp + 1 for record in records])
        last = np.cumsum(free)
        record, start = np.empty(0, np.int64), np.empty(0, np.int64)
        for _ in range(DRAWS):
            place = random.integers(0, last[-1], count)
            which = np.searchsorted(last, place, "right")
            drawn = Places(records[which], place - (last - free)[which])
            kept = self._known(drawn)
            record, start = np.concatenate([record, kept.record]), np.concatenate([start, kept.start])
            if len(start) >= count:
                return Places(record[:count], start[:count])
        raise UserError(
            f"{self.name}: hardly any window of {self.window_bp} bp has at most {self.max_n:.0%} N; "
            "raise dataset.max_n, or name records to leave out: dataset.exclude_chromosomes"
        )

    def _records(self, split: str) -> NDArray[np.int64]:
        return np.flatnonzero(np.isin(self._names, self.chromosomes(split)))

    def _known(self, places: Places) -> Places:
        """Those windows that hold few enough unknown bases, in their order."""
        good = np.zeros(len(places.start), bool)
        order = np.argsort(places.record, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(places.record[order])) + 1):
            if len(rows):
                runs = self._runs(int(places.record[rows[0]]))
                good[rows] = runs.within(places.start[rows], self.window_bp) <= self.max_n * self.window_bp
        return places.take(good)

    def _runs(self, record: int) -> Gaps:
        if record not in self._unknown:
            self._unknown[record] = find_gaps(self.genome.chromosome_codes(str(self._names[record])))
        return self._unknown[record]


def _listed(names: str | int | Sequence[Any] | None) -> list[str]:
    """A name, or several; YAML reads 1 as a number."""
    if names is None:
        return []
    return [str(name) for name in ([names] if isinstance(names, (str, int)) else names)]
