"""Windows of a genome are served as rows in memory and rows on a device are: the same batches, and nothing copied."""

import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from genolightning.data.array_source import ArraySource
from genolightning.data.device_source import DeviceSource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.genome_source import GenomeSource
from genolightning.errors import UserError
from genolightning.genome.codes import Codes
from genolightning.genome.reference import Genome
from tests.helpers.make import sequence, write_fasta

ROWS, LENGTH = 12, 24
random = np.random.default_rng(0)


@dataclass
class AlongGenome:
    """Labels of bases or bins, on the same offsets as the genome's codes."""

    values: np.ndarray  # (bins of the genome, ...)
    resolution_bp: int | None = 1
    reverse_complement: list[int] | None = None

    def gather(self, start, length_bp, row):
        assert (start >= 0).all()
        bins = start[:, None] // self.resolution_bp + np.arange(length_bp // self.resolution_bp)
        return self.values[bins]


@dataclass
class OfRows:
    """One label, or one row of labels, a window."""

    values: np.ndarray  # (rows, ...)
    reverse_complement: list[int] | None = None
    resolution_bp: int | None = None

    def gather(self, start, length_bp, row):
        return self.values[row]


CASES = {  # labels of rows, as both sources hold them, and their resolution
    "class": (random.integers(-1, 3, ROWS).astype(np.int8), None, [0, 2, 1]),
    "labels": (random.integers(0, 2, (ROWS, 3)).astype(np.int8), None, [0, 2, 1]),
    "bases": (random.integers(0, 9, (ROWS, LENGTH)).astype(np.int8), 1, [0, 5, 6, 7, 8, 1, 2, 3, 4]),
    "tracks": (random.random((ROWS, LENGTH, 2)).astype(np.float16), 1, [1, 0]),
    "bins": (random.integers(0, 2, (ROWS, LENGTH // 4, 3)).astype(np.int8), 4, None),
}
CASES["class"][0][CASES["class"][0] < 0] = -100


@pytest.fixture
def genome(tmp_path):
    """A genome of records as long as a window, so that a window has no neighbours, as a row of a table has none."""
    records = {f"r{row}": sequence(LENGTH, seed=row, letters="ACGTN") for row in range(ROWS)}
    return Genome(write_fasta(tmp_path / "rows.fa", records))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shifted", [False, True])
def test_the_batch_is_the_same_from_arrays_from_a_genome_and_from_a_device(genome, case, shifted):
    values, resolution_bp, reverse_complement = CASES[case]
    wide = values.astype(np.float32 if values.dtype.kind == "f" else np.int64)
    index = np.arange(ROWS)
    split = EncodedSplit("k", Codes(genome.codes.reshape(ROWS, LENGTH)), wide, index.astype(str), index, {}, [])
    settings = {"strands": True, "resolution_bp": resolution_bp, "reverse_complement": reverse_complement}
    arrays = ArraySource(split, **settings)
    if resolution_bp:
        labels = AlongGenome(values.reshape(-1, *values.shape[2:]), resolution_bp, reverse_complement)
    else:
        labels = OfRows(values, reverse_complement)
    windows = GenomeSource(genome, genome.offsets[:-1], LENGTH, labels, strands=True)
    rows = np.random.default_rng(1).permutation(2 * ROWS)
    shift_bp = np.random.default_rng(2).integers(-5, 6, len(rows)) if shifted else None
    if shifted and resolution_bp == 4:
        shift_bp = shift_bp // 4 * 4
        arrays = None  # rows in memory move by bases, and their bins are refused shifts
    batches = [source.gather(rows, shift_bp) for source in (windows, arrays) if source]
    if arrays:
        batches.append(DeviceSource(arrays, torch.device("cpu")).gather(rows, shift_bp))
    for batch in batches[1:]:
        for name in ("codes", "lengths", "target", "index"):
            ours, theirs = (torch.nan_to_num(getattr(one, name), 7) for one in (batches[0], batch))
            assert ours.dtype == theirs.dtype, name
            assert torch.equal(ours, theirs), name


def test_labels_of_the_other_strand_are_reversed_and_their_classes_permuted(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGTACGT"}))
    labels = AlongGenome(np.array([0, 0, 1, 2, 2, -100, 8, 8], np.int8), 1, [4, 7, 6, 5, 0, 3, 2, 1, 8])
    source = GenomeSource(genome, np.array([0]), 8, labels, strands=True)
    assert source.gather(np.array([1])).target.tolist() == [[8, 8, -100, 6, 6, 7, 4, 4]]


def test_a_shifted_window_reads_its_chromosome_and_nothing_of_the_next(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGTAC", "chr2": "GGGGGG"}))
    labels = AlongGenome(np.arange(12, dtype=np.int8))
    source = GenomeSource(genome, np.array([1, 6]), 4, labels, strands=True)
    ahead = source.gather(np.array([0, 1]), np.array([2, -1]))
    assert ahead.codes.tolist() == [[3, 0, 1, 4], [4, 2, 2, 2]]
    assert ahead.target.tolist() == [[3, 4, 5, -100], [-100, 6, 7, 8]]
    turned = source.gather(np.array([2, 3]), np.array([2, 3]))  # the other strand is read backwards
    assert turned.codes.tolist() == [[1, 2, 3, 4], [1, 4, 4, 4]]
    assert turned.target.tolist() == [[2, 1, 0, -100], [6, -100, -100, -100]]


def test_a_window_at_either_end_of_the_map_keeps_its_labels_in_place(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"chr1": "ACGTACGTACGT"}))
    labels = AlongGenome(np.arange(3, dtype=np.int8), resolution_bp=4)
    source = GenomeSource(genome, np.array([0, 4]), 8, labels)
    moved = source.gather(np.array([0, 1]), np.array([-4, 4]))
    assert moved.target.tolist() == [[-100, 0], [2, -100]]
    assert moved.codes[0].tolist() == [4, 4, 4, 4, 0, 1, 2, 3]


def test_windows_that_are_no_multiple_of_their_bins_are_refused(genome):
    with pytest.raises(UserError, match="no multiple of their bins of 5 bp"):
        GenomeSource(genome, genome.offsets[:-1], LENGTH, AlongGenome(np.zeros(100, np.int8), 5))


MEASURE = """
import json, sys, time
from types import SimpleNamespace
import numpy as np
from genolightning.data.genome_source import GenomeSource
from genolightning.data.loader import BatchLoader

folder, rows, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def private():
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return int(status["RssAnon"].split()[0]) / 1024

codes = np.asarray(np.memmap(folder + "/codes", np.uint8, "r"))
packed = np.asarray(np.memmap(folder + "/labels", np.uint8, "r", shape=(rows, 16)))
class Labels:
    resolution_bp = reverse_complement = None
    def gather(self, start, length_bp, row):
        return np.unpackbits(packed[row], axis=1, count=125).view(np.int8)

before = private()
genome = SimpleNamespace(codes=codes, offsets=np.array([0, len(codes)]))
start = np.arange(rows, dtype=np.uint32) * np.uint32((len(codes) - 512) // rows)
source = GenomeSource(genome, start, 512, Labels(), strands=True)
loader = BatchLoader(source, batch_size=256, shuffle=True, seed=1)
most, began, served = 0.0, time.process_time(), 0
for number, batch in enumerate(loader):
    served += len(batch.index)
    if number % 256 == 0:
        most = max(most, private() - before)
    if number == batches:
        break
print(json.dumps({"private_mb": most, "rows_per_s": served / (time.process_time() - began)}))
"""


@pytest.mark.slow
def test_two_million_windows_with_both_strands_and_125_labels_take_under_100_mb(tmp_path):
    rows = 2_005_617
    for name, size in (("codes", 1_070_000_000), ("labels", rows * 16)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)  # sparse: zeros, and none of them on the disk
    command = [sys.executable, "-c", MEASURE, str(tmp_path), str(rows), "1000"]
    measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert measured["private_mb"] < 100, measured
