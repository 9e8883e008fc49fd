import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.genome.alphabet import COMPLEMENT, complement, decode
from genolightning.genome.codes import Codes, encode

EVEN = ["ACGTN", "TTTGA", "NNACG"]
RAGGED = ["ACG", "T", "GGATN", "CA"]


def letters(codes: Codes) -> list[str]:
    return [decode(row) for row in codes]


@pytest.mark.parametrize("rows", [EVEN, RAGGED])
def test_rows_come_back_as_they_were_encoded(rows):
    codes = encode(rows)
    assert letters(codes) == rows
    assert codes.lengths.tolist() == [len(row) for row in rows]
    assert decode(codes.values) == "".join(rows)
    assert codes.even == (rows is EVEN)


@pytest.mark.parametrize("rows", [EVEN, RAGGED])
def test_some_rows_come_in_the_order_asked_for(rows):
    order = np.array([2, 0, 0])
    assert letters(encode(rows).take(order)) == [rows[row] for row in order]
    longest = max(len(rows[row]) for row in order)
    assert letters(Codes(encode(rows).padded(order))) == [rows[row].ljust(longest, "N") for row in order]


@pytest.mark.parametrize("rows", [EVEN, RAGGED])
def test_padding_cropping_and_joining(rows):
    codes = encode(rows)
    assert letters(Codes(codes.padded())) == [row.ljust(5, "N") for row in rows]
    assert letters(codes.crop(2)) == [row[:2] for row in rows]
    assert letters(Codes.concat([codes, encode(EVEN)])) == rows + EVEN


def test_rows_of_one_length_are_a_matrix_however_they_were_made():
    assert encode(RAGGED).take(np.array([0, 0])).even
    assert encode(RAGGED).crop(1).even
    assert Codes.concat([encode(EVEN), encode(EVEN)]).even
    assert not Codes.concat([encode(EVEN), encode(["AC"])]).even


def test_a_matrix_is_not_copied():
    matrix = np.zeros((3, 4), np.uint8)
    assert Codes(matrix).padded() is matrix
    assert np.shares_memory(Codes(matrix).values, matrix)


@pytest.mark.parametrize("rows", [EVEN, RAGGED])
def test_the_other_strand_twice_is_the_same_dna(rows):
    other = encode(rows).reverse_complement()
    assert letters(other) == [row[::-1].translate(str.maketrans("ACGT", "TGCA")) for row in rows]
    assert letters(other.reverse_complement()) == rows


def test_the_complement_is_that_of_the_table():
    every = np.arange(6, dtype=np.uint8)
    assert (complement(every) == COMPLEMENT[every]).all()


def test_no_rows_are_no_rows():
    nothing = Codes(np.empty(0, np.uint8), np.zeros(1, np.int64))
    assert (len(nothing), nothing.even, nothing.lengths.tolist()) == (0, True, [])
    assert len(Codes.concat([])) == len(Codes.concat([nothing, nothing])) == 0
    assert letters(Codes.concat([nothing, encode(RAGGED)])) == RAGGED


def test_a_letter_that_is_no_base_names_its_row():
    with pytest.raises(BadTable, match="sequence row 2: '!' at base 3 is not an IUPAC letter; write ACGTU"):
        encode(["ACG", "AC!"])
    with pytest.raises(BadTable, match="a.csv line 9: the sequence is empty; remove the row"):
        encode(["ACG", ""], describe=lambda row: f"a.csv line {row + 8}")
