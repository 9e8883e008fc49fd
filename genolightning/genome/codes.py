"""Rows of base codes, of equal or unequal length, as one object."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genolightning.errors import BadTable
from genolightning.genome.alphabet import BYTE_TO_CODE, ILLEGAL, N, complement


class Codes:
    """Rows of uint8 base codes: a matrix where all rows are equally long (`even`), else end to end with offsets.

    `Codes(matrix)` takes (rows, length); `Codes(values, offsets)` takes (total,) and int64 (rows + 1,), row i being
    `values[offsets[i]:offsets[i + 1]]`, and is even as well where all rows have one length. Nothing is copied.

    >>> codes = Codes(np.array([0, 1, 2], np.uint8), np.array([0, 1, 3]))
    >>> len(codes), codes.even, codes.lengths.tolist(), codes[1].tolist()
    (2, False, [1, 2], [1, 2])
    """

    __slots__ = ("_lengths", "_matrix", "_offsets", "_values")

    def __init__(self, values: NDArray[np.uint8], offsets: NDArray[np.int64] | None = None) -> None:
        self._matrix: NDArray[np.uint8] | None = None
        self._values: NDArray[np.uint8] | None = None
        self._offsets = offsets
        self._lengths: NDArray[np.int64] | None = None
        if offsets is None:
            self._matrix = values
            return
        self._values = values
        self._lengths = np.diff(offsets)
        if not len(self._lengths):
            self._matrix = np.empty((0, 0), np.uint8)
        elif (self._lengths == self._lengths[0]).all():
            first = int(offsets[0])
            self._matrix = values[first : int(offsets[-1])].reshape(len(self._lengths), int(self._lengths[0]))

    @classmethod
    def concat(cls, parts: Sequence["Codes"]) -> "Codes":
        """The rows of several, in order; even where all rows of all parts are equally long.

        >>> Codes.concat([Codes(np.zeros((1, 2), np.uint8)), Codes(np.ones((2, 1), np.uint8))]).offsets.tolist()
        [0, 2, 3, 4]
        """
        parts = [part for part in parts if len(part)]
        matrices = [part._matrix for part in parts if part._matrix is not None]
        if len(matrices) == len(parts) and len({matrix.shape[1] for matrix in matrices}) <= 1:
            return cls(np.concatenate(matrices) if matrices else np.empty((0, 0), np.uint8))
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(np.concatenate([part.values for part in parts]), _offsets(lengths))

    def __len__(self) -> int:
        return len(self._matrix) if self._matrix is not None else len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """The codes of one row, uint8 (length,), as a view."""
        if self._matrix is not None:
            return np.asarray(self._matrix[row])
        row = range(len(self))[row]
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[row] for row in range(len(self)))

    @property
    def even(self) -> bool:
        """Whether all rows are equally long."""
        return self._matrix is not None

    @property
    def values(self) -> NDArray[np.uint8]:
        """All rows end to end, uint8 (total,)."""
        if self._values is None:
            assert self._matrix is not None
            self._values = self._matrix.reshape(-1)
        return self._values

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each row begins in `values`, and where the last one ends, int64 (rows + 1,)."""
        if self._offsets is None:
            assert self._matrix is not None
            self._offsets = np.arange(len(self._matrix) + 1, dtype=np.int64) * self._matrix.shape[1]
        return self._offsets

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each row in bases, int64 (rows,)."""
        if self._lengths is None:
            assert self._matrix is not None
            self._lengths = np.full(len(self._matrix), self._matrix.shape[1], np.int64)
        return self._lengths

    @property
    def nbytes(self) -> int:
        """Bytes that values, and offsets where rows differ in length, take."""
        return self._matrix.nbytes if self._matrix is not None else self.values.nbytes + self.offsets.nbytes

    def take(self, rows: NDArray[np.int64]) -> "Codes":
        """Some rows, int64 (n,), in the order given; a copy."""
        if self._matrix is not None:
            return Codes(self._matrix.take(rows, 0))
        lengths = self.lengths[rows]
        offsets = _offsets(lengths)
        source = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Codes(self.values[source], offsets)

    def padded(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
        """All rows, or some of them, as a matrix uint8 (rows, longest of them), padded with 4 on the right.

        All rows of equal length are the matrix itself, not a copy.

        >>> Codes(np.array([0, 1, 2], np.uint8), np.array([0, 1, 3])).padded().tolist()
        [[0, 4], [1, 2]]
        """
        if self._matrix is not None:
            return self._matrix if rows is None else self._matrix.take(rows, 0)
        if rows is None:
            lengths = self.lengths
            matrix = np.full((len(lengths), int(lengths.max())), N, np.uint8)
            matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = self.values[self.offsets[0] : self.offsets[-1]]
            return matrix
        lengths = self.lengths.take(rows)
        column = np.arange(lengths.max(initial=0))
        real = column < lengths[:, None]
        source = np.where(real, self.offsets.take(rows)[:, None] + column, 0)
        return np.where(real, self.values.take(source), np.uint8(N))

    def crop(self, length_bp: int) -> "Codes":
        """The first `length_bp` bases of each row; shorter rows stay as they are."""
        if self._matrix is not None:
            return Codes(self._matrix[:, :length_bp])
        keep = np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1], self.lengths) < length_bp
        return Codes(self.values[keep], _offsets(self.lengths.clip(max=length_bp)))

    def reverse_complement(self) -> "Codes":
        """The other strand of every row, read in its own direction; N stays N.

        >>> Codes(np.array([0, 0, 1, 4, 2], np.uint8), np.array([0, 3, 5])).reverse_complement().values.tolist()
        [2, 3, 3, 1, 4]
        """
        if self._matrix is not None:
            return Codes(np.ascontiguousarray(complement(self._matrix)[:, ::-1]))
        last = self.offsets[:-1] + self.offsets[1:] - 1  # position p of a row becomes last - p
        source = np.repeat(last, self.lengths) - np.arange(self.offsets[-1])
        return Codes(complement(self.values[source]), self.offsets)


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64, copy=False)


def encode(sequences: Iterable[str], *, describe: Callable[[int], str] | None = None) -> Codes:
    """Turn DNA strings into base codes; `describe` names a row, counted from 0, in an error.

    Raises BadTable for an empty sequence or a letter that is not IUPAC.

    >>> encode(["acgu", "NNRT"]).padded().tolist()
    [[0, 1, 2, 3], [4, 4, 4, 3]]
    >>> encode(["A", "CG"]).offsets.tolist()
    [0, 1, 3]
    """
    describe = describe or (lambda row: f"sequence row {row + 1}")
    rows = list(sequences)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    if (lengths == 0).any():
        raise BadTable(f"{describe(int(np.argmax(lengths == 0)))}: the sequence is empty", "remove the row")
    values = BYTE_TO_CODE[np.frombuffer("".join(rows).encode("ascii", "replace"), np.uint8)]
    offsets = _offsets(lengths)
    if (illegal := values == ILLEGAL).any():
        place = int(np.argmax(illegal))
        row = int(np.searchsorted(offsets, place, "right")) - 1
        base = place - int(offsets[row])
        raise BadTable(
            f"{describe(row)}: {rows[row][base]!r} at base {base + 1} is not an IUPAC letter",
            "write ACGTU, N or RYSWKMBDHV",
        )
    return Codes(values, offsets)
