"""Rows of a split as batches: copied or gathered from the memory map, they are the same rows."""

import numpy as np
import pytest

from genolightning.data import array_source
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.facts import NO_LABEL
from genolightning.genome.alphabet import N, reverse_complement
from genolightning.genome.codes import Codes, encode

SEQUENCES = ["ACGTAC", "GG", "TTA", "CCCCC", "A"]


def split(sequences: list[str] = SEQUENCES, target: np.ndarray | None = None) -> EncodedSplit:
    rows = np.arange(len(sequences))
    target = rows % 2 if target is None else target
    return EncodedSplit("k", encode(sequences), target, rows.astype(str), rows + 10, {}, [])


def per_base() -> np.ndarray:
    """Labels 0, 1, 2, ... along each row, padded with "no label"."""
    lengths = np.array([[len(one)] for one in SEQUENCES])
    place = np.arange(lengths.max())
    return np.where(place < lengths, place, NO_LABEL)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"strands": True},
        {"crop_bp": 3},
        {"crop_bp": 4, "strands": True, "reverse_complement": [1, 0]},
        {"rows": np.array([3, 0]), "strands": True},
    ],
)
@pytest.mark.parametrize("sequences", [SEQUENCES, ["ACGT", "GGCA", "TTTT", "NACC"]])
def test_a_copy_and_the_memory_map_serve_the_same_rows(monkeypatch, settings, sequences):
    copied = ArraySource(split(sequences), **settings)
    monkeypatch.setattr(array_source, "COPY_BYTES", 0)
    mapped = ArraySource(split(sequences), **settings)
    for rows in (np.arange(copied.strand_rows), np.array([1]), np.array([1, 0, 1])):
        for found, expected in zip(copied.row_arrays(rows).codes, mapped.row_arrays(rows).codes, strict=True):
            np.testing.assert_array_equal(found, expected)
        for name in ("lengths", "target", "index"):
            np.testing.assert_array_equal(
                getattr(copied.row_arrays(rows), name), getattr(mapped.row_arrays(rows), name)
            )


def test_a_batch_is_as_wide_as_its_longest_row_and_keeps_row_numbers():
    batch = ArraySource(split()).gather(np.array([1, 4]))
    assert batch.codes.tolist() == [[2, 2], [0, N]]
    assert batch.lengths.tolist() == [2, 1]
    assert batch.index.tolist() == [11, 14]


@pytest.mark.parametrize("crop_bp", [None, 3])
def test_the_other_strand_follows_after_all_rows_padded_on_the_right(crop_bp):
    source = ArraySource(split(target=per_base()), strands=True, resolution_bp=1, crop_bp=crop_bp)
    count = len(SEQUENCES)
    both = source.row_arrays(np.arange(2 * count))
    for row, length in enumerate(source.lengths):
        np.testing.assert_array_equal(
            both.codes[count + row, :length], reverse_complement(both.codes[row, :length][None])[0]
        )
        assert both.target[count + row, :length].tolist() == list(range(length))[::-1]
        assert (both.codes[:, length:][[row, count + row]] == N).all()
    np.testing.assert_array_equal(both.index[:count], both.index[count:])


def test_classes_of_the_other_strand_are_exchanged():
    source = ArraySource(split(), strands=True, reverse_complement=[1, 0])
    assert source.gather(np.arange(10)).target.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert source.target.tolist() == [0, 1, 0, 1, 0]


def test_a_shift_moves_bases_and_their_labels_alike():
    source = ArraySource(split(target=per_base()), resolution_bp=1)
    batch = source.gather(np.array([0, 3]), np.array([2, -1]))
    assert batch.codes.tolist() == [[2, 3, 0, 1, N, N], [N, 1, 1, 1, 1, N]]
    assert batch.target.tolist() == [[2, 3, 4, 5, NO_LABEL, NO_LABEL], [NO_LABEL, 0, 1, 2, 3, NO_LABEL]]


def test_a_shift_leaves_the_label_of_a_sequence():
    batch = ArraySource(split()).gather(np.array([1]), np.array([1]))
    assert (batch.codes.tolist(), batch.target.tolist()) == ([[2, N]], [1])


def test_a_crop_takes_the_bins_it_reaches_and_is_nothing_where_no_row_is_longer():
    target = np.arange(15).reshape(5, 3)
    cropped = ArraySource(split(target=target), crop_bp=3, resolution_bp=2)
    assert cropped.lengths.tolist() == [3, 2, 3, 3, 1]
    assert cropped.target.shape == (5, 2)
    assert ArraySource(split(target=target), crop_bp=6, resolution_bp=2).target.shape == (5, 3)


def test_rows_of_one_very_long_row_are_not_copied():
    rows = ["A" * 2000, *["C"] * 50]
    assert ArraySource(split(rows))._copy is None
    assert ArraySource(split(["A" * 2000] * 3 + ["C"]))._copy is not None


def test_a_matrix_is_served_without_a_copy():
    codes = Codes(np.zeros((3, 4), np.uint8))
    store = EncodedSplit("k", codes, np.arange(3), np.arange(3).astype(str), np.arange(3), {}, [])
    source = ArraySource(store)
    assert source._copy.codes is codes.padded()
    assert source.equal_lengths
    assert source.at_epoch(7) is source
