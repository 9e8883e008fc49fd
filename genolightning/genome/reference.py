"""Genome: a FASTA encoded once into a memory map of base codes, and one vectorised gather from it ever after."""

import contextlib
import hashlib
import json
import mmap
import os
import zlib
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from genolightning import paths
from genolightning.errors import BadTable, GenomeMissing, OutOfChromosome, Setting, UserError
from genolightning.genome.alphabet import complement
from genolightning.genome.chromosome_names import aliases, common_name, nearest
from genolightning.genome.codes import Codes
from genolightning.genome.fasta import encode_fasta
from genolightning.genome.intervals import Intervals
from genolightning.storage.atomic import atomic_write, write_errors
from genolightning.storage.checksums import crc32, sha256

GENOME_FIX = "make room (a byte a base), or name another folder with GENOLIGHTNING_CACHE=FOLDER"
FORMAT = 2  # counts up when the cached bytes change their meaning

TURN_BYTES = 1 << 16  # rows turned round at a time: what stays in the processor's cache, and needs no fresh memory


class Placement(IntEnum):
    """Where an interval is with regard to a genome."""

    INSIDE = 0
    ABSENT = 1  # the genome has no such chromosome
    PAST_END = 2  # a negative start, or an end beyond the chromosome's


INSIDE, ABSENT, PAST_END = Placement


class Genome:
    """Base codes of a FASTA of any size (plain, gzipped or bgzipped), read through the page cache.

    The first use encodes the file into `cache` (default: `genomes` in the cache folder), keyed by the FASTA's content;
    every later use, in this process or another, maps that file. Nothing is ever written next to the FASTA. Safe to
    pickle and to use in forked and spawned workers.

    Names are the headers up to white space; `chr1` and `1` are one name, so are chrM, M, MT and mitochondrion_genome,
    and a transcript is found without its version. Exact names win; a spelling that could mean two records means none.

    Raises GenomeMissing where there is no such file, BadTable where it is no sound FASTA.
    """

    lengths: dict[str, int]  # name as in the FASTA -> length in bp, in file order
    key: str  # sha256 of the FASTA's bytes

    def __init__(self, fasta: Path, *, cache: Path | None = None):
        self.fasta = Path(fasta)
        self.cache = Path(cache) if cache else paths.cache_dir() / "genomes"
        if not self.fasta.is_file():
            raise GenomeMissing(
                f"the genome {self.fasta} is not there",
                f"put the FASTA there, or name another with {Setting('dataset.genome', 'FILE')}",
            )
        self.key = _content_key(self.fasta, self.cache)
        self._open(_whole(self.cache, self.key) or _build(self.fasta, self.cache, self.key))

    def _open(self, lengths: dict[str, int]) -> None:
        self.lengths = lengths
        self._sizes = np.fromiter(lengths.values(), np.int64, len(lengths))
        self._offsets = np.concatenate([[0], np.cumsum(self._sizes)])
        # grows by spellings looked up
        self._number: dict[str, int] = {name: number for number, name in enumerate(lengths)}
        self._aliases: dict[str, str] | None = None
        with open(_codes_file(self.cache, self.key), "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._codes = np.frombuffer(self._map, np.uint8)

    def __getstate__(self) -> dict[str, Any]:
        return {"fasta": self.fasta, "cache": self.cache, "key": self.key}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # by key, not by path: a worker must serve the bases its parent served even if the FASTA was replaced since
        self.fasta, self.cache, self.key = state["fasta"], state["cache"], state["key"]
        lengths = _whole(self.cache, self.key)
        if lengths is None:
            raise GenomeMissing(f"the encoded genome of {self.fasta} has left {self.cache}; run again to rebuild it")
        self._open(lengths)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Base codes of all records end to end, a read-only map, uint8 (total,)."""
        return self._codes

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each record begins in `codes`, and where the last one ends, int64 (records + 1,)."""
        return self._offsets

    def check(self) -> bool:
        """Read the FASTA and every encoded base again, and encode anew where either is not as it was; True: it was.

        What this object serves stays what it was: open the genome again where the answer is False.
        """
        facts = _facts_file(self.cache, self.key)
        whole = crc32(_codes_file(self.cache, self.key)) == (_read_json(facts) or {}).get("crc32")
        if not whole:
            facts.unlink(missing_ok=True)
        sound = _content_key(self.fasta, self.cache, trust=False) == self.key and whole
        if not sound:
            Genome(self.fasta, cache=self.cache)
        return sound

    def chromosome_codes(self, name: str) -> NDArray[np.uint8]:
        """All base codes of a record, uint8 (length,), read-only, straight from the memory map; KeyError without it."""
        if name not in self.lengths:
            raise KeyError(name)
        number = self._number[name]
        return self._codes[self._offsets[number] : self._offsets[number + 1]]

    def gather(self, intervals: Intervals) -> Codes:
        """Base codes of every interval, in the order given, reverse-complemented on "-".

        N and ambiguous letters are 4.
        Raises OutOfChromosome for an interval that names no record or reaches beyond it, naming file and line, and
        BadTable for an empty interval.
        """
        starts, lengths = self._absolute(intervals)
        if not len(lengths):
            return Codes(np.empty((0, 0), np.uint8))
        if (lengths == lengths[0]).all():
            return Codes(self._windows(starts, int(lengths[0]), _backward(intervals)))
        return self._ragged(starts, lengths, _backward(intervals))

    def placement(self, intervals: Intervals) -> NDArray[np.int8]:
        """Which intervals cannot be read: 0 inside, 1 chromosome absent, 2 negative start or past the end; (n,)."""
        numbers = self._numbers(intervals)
        verdict = np.where(numbers < 0, ABSENT, INSIDE).astype(np.int8)
        beyond = (intervals.start < 0) | (intervals.end > self._sizes[numbers])
        verdict[(verdict == INSIDE) & beyond] = PAST_END
        return verdict

    def _absolute(self, intervals: Intervals) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Checked: where in the map each interval begins, and its length."""
        start, end = intervals.start, intervals.end
        lengths = end - start
        numbers = self._numbers(intervals)
        if len(numbers):
            if lengths.min() <= 0:
                raise BadTable(
                    f"{intervals.describe(int(np.argmin(lengths)))} is empty; its end must lie beyond its start"
                )
            if numbers.min() < 0 or start.min() < 0 or (end > self._sizes[numbers]).any():
                self._refuse(intervals)
        return self._offsets[numbers] + start, lengths

    def _numbers(self, intervals: Intervals) -> NDArray[np.int64]:
        """Each interval's record, counted from 0; -1 where the genome has none of that name."""
        names = intervals.chrom.tolist()
        number = self._number
        try:
            return np.fromiter((number[name] for name in names), np.int64, len(names))
        except KeyError:
            for name in set(names) - number.keys():
                number[name] = self._spelled_otherwise(name)
            return np.fromiter((number[name] for name in names), np.int64, len(names))

    def _spelled_otherwise(self, name: str) -> int:
        if self._aliases is None:
            self._aliases = aliases(self.lengths)
        known = self._aliases.get(common_name(name))
        return -1 if known is None else self._number[known]

    def _refuse(self, intervals: Intervals) -> None:
        row = int(np.argmax(self.placement(intervals) > 0))
        where = intervals.describe(row)
        name = str(intervals.chrom[row])
        number = self._number[name]
        if number < 0:
            raise OutOfChromosome(
                f"{where} names a chromosome that {self.fasta} lacks (nearest: {nearest(name, self.lengths)})",
                f"name another genome with {Setting('dataset.genome', 'FILE')}, "
                f"or leave such rows out with {Setting('dataset.missing', 'drop')}",
            )
        raise OutOfChromosome(
            f"{where} lies outside {name}, which ends at {self._sizes[number]} bp in {self.fasta}",
            f"name another genome with {Setting('dataset.genome', 'FILE')}, "
            f"or leave such rows out with {Setting('dataset.missing', 'drop')}",
        )

    def _windows(self, starts: NDArray[np.int64], length: int, backward: NDArray[np.int64]) -> NDArray[np.uint8]:
        # every base of the genome begins one item of `length` bytes, so that indexing copies whole windows
        every = np.ndarray((len(self._codes) - length + 1,), f"V{length}", self._map, strides=(1,))
        codes = every[starts].view(np.uint8).reshape(len(starts), length)
        block = max(1, TURN_BYTES // length)
        for rows in (backward[at : at + block] for at in range(0, len(backward), block)):
            codes[rows] = complement(codes[rows])[:, ::-1]
        return codes

    def _ragged(self, starts: NDArray[np.int64], lengths: NDArray[np.int64], backward: NDArray[np.int64]) -> Codes:
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        values = np.empty(int(offsets[-1]), np.uint8)
        codes = self._codes
        for begin, to, length in zip(starts.tolist(), offsets.tolist(), lengths.tolist(), strict=False):
            values[to : to + length] = codes[begin : begin + length]
        for row in backward.tolist():
            piece = values[offsets[row] : offsets[row + 1]]
            piece[:] = complement(piece[::-1])
        return Codes(values, offsets)


def _backward(intervals: Intervals) -> NDArray[np.int64]:
    if intervals.strand is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(intervals.strand == "-")


class _Summed:
    """A file that is written to, and the CRC-32 of what was."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.crc32 = file, 0

    def write(self, data: bytes) -> int:
        self.crc32 = zlib.crc32(data, self.crc32)
        return self.file.write(data)


def _codes_file(cache: Path, key: str) -> Path:
    return cache / f"{key}.codes"


def _facts_file(cache: Path, key: str) -> Path:
    return cache / f"{key}.json"


def _content_key(fasta: Path, cache: Path, *, trust: bool = True) -> str:
    """The FASTA's sha256; remembered (and trusted) for a path whose size and time of change are still the same."""
    path = fasta.resolve()
    memo = cache / "seen" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    before = path.stat()
    stamp = {"path": str(path), "size": before.st_size, "mtime_ns": before.st_mtime_ns}
    known = _read_json(memo)
    if trust and known and {name: known.get(name) for name in stamp} == stamp and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    key = sha256(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise BadTable(f"{fasta} changed while it was read; run again when it is whole")
    with contextlib.suppress(UserError), atomic_write(memo) as part:  # a lost note costs one more reading, no more
        part.write_text(json.dumps(stamp | {"sha256": key}))
    return key


def _whole(cache: Path, key: str) -> dict[str, int] | None:
    """The lengths of an encoded genome whose files are both there and sound, else None."""
    facts = _read_json(_facts_file(cache, key))
    if not facts or facts.get("format") != FORMAT or facts.get("sha256") != key:
        return None
    lengths: dict[str, int] = facts.get("lengths", {})
    try:
        size = _codes_file(cache, key).stat().st_size
    except OSError:
        return None
    return lengths if size == facts.get("bytes") == sum(lengths.values()) else None


def _build(fasta: Path, cache: Path, key: str) -> dict[str, int]:
    """Encode the FASTA into the cache, unless another process did so while we waited for it."""
    from filelock import FileLock

    with write_errors(f"the encoded genome of {fasta}", GENOME_FIX):
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{key}.lock"):
            if (lengths := _whole(cache, key)) is not None:
                return lengths
            for left_over in cache.glob(f".part-*-{key}.*"):  # of a build that was killed; ours is the only one running
                left_over.unlink(missing_ok=True)
            _facts_file(cache, key).unlink(missing_ok=True)
            with atomic_write(_codes_file(cache, key), fix=GENOME_FIX) as part:
                with open(part, "wb") as out:
                    summed = _Summed(out)
                    lengths = encode_fasta(fasta, cast(BinaryIO, summed))
                if _content_key(fasta, cache) != key:  # we may have waited long for the lock
                    raise BadTable(f"{fasta} changed while it was read; run again when it is whole")
            size = sum(lengths.values())
            facts = {"format": FORMAT, "sha256": key, "bytes": size, "crc32": summed.crc32, "lengths": lengths}
            with atomic_write(_facts_file(cache, key)) as part:
                part.write_text(json.dumps(facts))
            return lengths


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
