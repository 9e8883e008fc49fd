"""DNA letters as codes, and the other strand."""

import numpy as np
import pytest

from genolightning.genome.alphabet import BYTE_TO_CODE, COMPLEMENT, ILLEGAL, MASK, N, complement, decode
from genolightning.genome.alphabet import reverse_complement as other_strand


def codes_of(text: str) -> np.ndarray:
    return BYTE_TO_CODE[np.frombuffer(text.encode(), np.uint8)]


def test_letters_of_either_case_have_one_code_and_come_back_as_capitals():
    assert decode(codes_of("ACGTacgtUu")) == "ACGTACGTTT"


@pytest.mark.parametrize("letter", "NRYSWKMBDHVnryswkmbdhv")
def test_every_other_iupac_letter_is_n(letter):
    assert codes_of(letter).tolist() == [N]


@pytest.mark.parametrize("letter", "XEFZ*-. 0\t")
def test_what_is_no_iupac_letter_has_no_code(letter):
    assert codes_of(letter).tolist() == [ILLEGAL]


def test_only_iupac_letters_and_u_have_codes():
    assert sorted(chr(byte) for byte in np.flatnonzero(BYTE_TO_CODE != ILLEGAL)) == sorted(
        "ACGTUNRYSWKMBDHVacgtunryswkmbdhv"
    )


@pytest.mark.parametrize("shape", [(0,), (7,), (3, 5), (2, 3, 4)])
def test_the_other_strand_of_the_other_strand_is_the_first(shape):
    codes = np.random.default_rng(0).integers(0, MASK + 1, shape).astype(np.uint8)
    assert np.array_equal(other_strand(other_strand(codes)), codes)
    assert np.array_equal(complement(complement(codes)), codes)


def test_the_complement_is_that_of_the_table_and_leaves_its_input():
    codes = np.arange(6, dtype=np.uint8)
    before = codes.copy()
    assert np.array_equal(complement(codes), COMPLEMENT[codes])
    assert np.array_equal(codes, before)
    assert complement(codes).dtype == np.uint8


def test_bases_pair_and_unknown_ones_stay():
    assert decode(complement(codes_of("ACGTN"))) == "TGCAN"
    assert decode(other_strand(codes_of("AACGN"))) == "NCGTT"
