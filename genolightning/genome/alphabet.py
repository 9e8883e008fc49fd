"""The alphabet: DNA letters as one byte a base, from disk to device.

Codes: A 0, C 1, G 2, T 3 (U is T, lower case is the same base), 4 for N, any other IUPAC letter and padding,
5 for a base masked by a language-model objective.
"""

import numpy as np
from numpy.typing import NDArray

N = 4
MASK = 5
LETTERS = "ACGTN"
ILLEGAL = 255  # what a byte that is no IUPAC letter encodes to; checked wherever text is encoded

COMPLEMENT: NDArray[np.uint8] = np.array([3, 2, 1, 0, N, MASK], np.uint8)


def _byte_to_code() -> NDArray[np.uint8]:
    table = np.full(256, ILLEGAL, np.uint8)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("TU", 3), ("NRYSWKMBDHV", N)):
        for letter in letters + letters.lower():
            table[ord(letter)] = code
    return table


BYTE_TO_CODE = _byte_to_code()
_CODE_TO_BYTE = np.frombuffer(b"ACGTNN", np.uint8)


def decode(codes: NDArray[np.uint8]) -> str:
    """Turn one row of codes (length,) into letters; N and masked bases become N.

    >>> decode(np.array([0, 1, 2, 3, 4, 5], np.uint8))
    'ACGTNN'
    """
    return _CODE_TO_BYTE[codes].tobytes().decode()


def complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The complementary base of each code, uint8 of the same shape; N and masked bases stay.

    The same as `COMPLEMENT[codes]`, by arithmetic (A0-T3 and C1-G2 add up to 3): many bases an instruction.

    >>> complement(np.arange(6, dtype=np.uint8)).tolist()
    [3, 2, 1, 0, 4, 5]
    """
    return codes ^ ((codes < N).view(np.uint8) * np.uint8(3))


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand, read in its own direction, along the last axis; N stays N.

    >>> decode(reverse_complement(np.array([0, 0, 1, 2, 4], np.uint8)))
    'NCGTT'
    """
    return complement(codes)[..., ::-1]
