"""Every source of batches keeps the protocol that loaders rely on."""

import inspect

import numpy as np
import pytest

from genolightning.data.array_source import ArraySource
from genolightning.data.batch_source import BatchSource
from genolightning.data.device_source import DeviceSource
from genolightning.data.genome_source import GenomeSource
from genolightning.data.loader import BatchLoader
from tests.helpers.training import table

SOURCES = [ArraySource, DeviceSource, GenomeSource]


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_has_what_the_protocol_names(kind):
    for name in ("equal_lengths", "at_epoch", "gather"):
        assert hasattr(kind, name), name
    expected = list(inspect.signature(BatchSource.gather).parameters)
    assert list(inspect.signature(kind.gather).parameters) == expected


def test_rows_lengths_and_strands_agree():
    source: BatchSource = table(rows=20)
    assert len(source.lengths) == source.rows == 20
    assert not source.strands
    batch = source.gather(np.array([3, 5]))
    assert batch.lengths.tolist() == source.lengths[[3, 5]].tolist()


def test_a_loader_needs_no_more_than_the_protocol():
    class Protocol:
        """The members of the protocol alone."""

        def __init__(self, source: BatchSource) -> None:
            self.rows, self.strands, self.resolution_bp = source.rows, source.strands, source.resolution_bp
            self.equal_lengths, self.lengths = source.equal_lengths, source.lengths
            self._source = source

        def at_epoch(self, epoch: int) -> "Protocol":
            return self

        def gather(self, rows, shift_bp=None):
            return self._source.gather(rows, shift_bp)

    loader = BatchLoader(Protocol(table(rows=20)), batch_size=8)
    assert sorted(row for batch in loader for row in batch.index.tolist()) == list(range(20))
