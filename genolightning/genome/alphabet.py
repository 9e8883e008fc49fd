"""The alphabet: DNA letters as one byte a base, from disk to device.

Codes: A 0, C 1, G 2, T 3 (U is T, lower case is the same base), 4 for N, any other IUPAC letter and padding,
5 for a base masked by a language-model objective.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import BadTable

N = 4
MASK = 5
LETTERS = "ACGTN"
ILLEGAL = 255  # what a byte that is no IUPAC letter encodes to; never leaves this room

COMPLEMENT: NDArray[np.uint8] = np.array([3, 2, 1, 0, N, MASK], np.uint8)


def _byte_to_code() -> NDArray[np.uint8]:
    table = np.full(256, ILLEGAL, np.uint8)
    for letters, code in (("A", 0), ("C", 1), ("G", 2), ("TU", 3), ("NRYSWKMBDHV", N)):
        for letter in letters + letters.lower():
            table[ord(letter)] = code
    return table


BYTE_TO_CODE = _byte_to_code()
_CODE_TO_BYTE = np.frombuffer(b"ACGTNN", np.uint8)


class Packed(NamedTuple):
    """Sequences of unequal length, end to end: row i is `values[offsets[i]:offsets[i + 1]]`."""

    values: NDArray[np.uint8]  # (total,)
    offsets: NDArray[np.int64]  # (rows + 1,)


Codes: TypeAlias = NDArray[np.uint8] | Packed  # (rows, length) where all rows are equally long, else Packed


def encode(sequences: Iterable[str], *, source: str = "sequence") -> Codes:
    """Turn DNA strings into base codes; `source` names the file in an error.

    Raises BadTable for an empty sequence or a letter that is not IUPAC, naming the row (counted from 1).

    >>> encode(["acgu", "NNRT"]).tolist()
    [[0, 1, 2, 3], [4, 4, 4, 3]]
    >>> encode(["A", "CG"]).offsets.tolist()
    [0, 1, 3]
    """
    rows = list(sequences)
    lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
    if (lengths == 0).any():
        raise BadTable(f"{source} row {int(np.argmax(lengths == 0)) + 1}: the sequence is empty; remove the row")
    letters = np.frombuffer("".join(rows).encode("ascii", "replace"), np.uint8)
    values = BYTE_TO_CODE[letters]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if (bad := values == ILLEGAL).any():
        where = int(np.argmax(bad))
        row = int(np.searchsorted(offsets, where, "right")) - 1
        letter = rows[row][where - int(offsets[row])]
        raise BadTable(
            f"{source} row {row + 1}: {letter!r} at base {where - int(offsets[row]) + 1} is not an IUPAC letter; "
            "write ACGTU, N or RYSWKMBDHV"
        )
    return pack(values, offsets)


def pack(values: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Codes:
    """A matrix where all rows are equally long, else Packed."""
    lengths = np.diff(offsets)
    if len(lengths) and (lengths == lengths[0]).all():
        return values.reshape(len(lengths), int(lengths[0]))
    return Packed(values, offsets)


def decode(codes: NDArray[np.uint8]) -> str:
    """Turn one row of codes (length,) into letters; N and masked bases become N.

    >>> decode(np.array([0, 1, 2, 3, 4, 5], np.uint8))
    'ACGTNN'
    """
    return _CODE_TO_BYTE[codes].tobytes().decode()


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand, read in its own direction, along the last axis; N stays N.

    >>> decode(reverse_complement(encode(["AACGN"])[0]))
    'NCGTT'
    """
    flipped: NDArray[np.uint8] = COMPLEMENT[codes[..., ::-1]]
    return flipped
