"""A split as a torch Dataset: each row without padding, addressed as a list is."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.sequence_dataset import SequenceDataset
from genolightning.genome.codes import encode


def dataset() -> SequenceDataset:
    rows = np.arange(3)
    store = EncodedSplit("k", encode(["ACG", "T", "GGGGG"]), rows % 2, rows.astype(str), rows, {}, [])
    return SequenceDataset(ArraySource(store), ["a", "b"])


def test_a_row_is_its_codes_without_padding_and_its_target():
    pairs = [(codes.tolist(), int(target)) for codes, target in (dataset()[row] for row in range(3))]
    assert pairs == [([0, 1, 2], 0), ([3], 1), ([2] * 5, 0)]
    assert dataset()[0][0].dtype == torch.uint8


def test_rows_are_addressed_as_those_of_a_list():
    rows = dataset()
    assert len(list(rows)) == len(rows) == 3
    assert rows[-1][0].tolist() == rows[2][0].tolist()
    for row in (3, -4):
        with pytest.raises(IndexError):
            rows[row]


def test_torchs_own_loader_reads_it():
    batches = list(DataLoader(dataset(), batch_size=1))
    assert [tuple(codes.shape) for codes, _ in batches] == [(1, 3), (1, 1), (1, 5)]
