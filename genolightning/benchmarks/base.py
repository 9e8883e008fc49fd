"""What every benchmark family hands to the data room: rows of one split, in the order of their file."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from genolightning.genome.codes import Codes


class Rows(NamedTuple):
    """One split's rows in file order, and what was left out of it."""

    codes: Codes  # of every row
    target: NDArray[Any]  # int64 (rows,) | float32 (rows,) | (rows, labels) | (rows, length) | (rows, bins, labels)
    ids: NDArray[Any]  # str (rows,): `<class>/<id>` for interval tables, the row number for tables without ids
    index: NDArray[np.int64]  # type: ignore[assignment]  # tuple.index is no use here  # (rows,) row of the table before any drop, counted from 0
    dropped: dict[str, int]  # reason -> count of rows left out on the user's word


class Benchmark(Protocol):
    """Facts of a dataset, and its rows. Plain Python and numpy; nothing is read before it is asked for."""

    name: str
    resolution_bp: int | None  # None: one label a sequence; 1: one a base; n: one a bin

    @property
    def kind(self) -> str:
        """binary, multiclass, multilabel, regression, causal_lm or masked_lm."""

    @property
    def classes(self) -> list[str]:
        """Names of classes (binary, multiclass) or labels (multilabel); [] for regression."""

    def prepare(self) -> None:
        """Check that every file is there (DatasetMissing says what to fetch), and make what is made, e.g. motifs."""

    def splits(self) -> list[str]:
        """Which of train, validation, test have their own file; what is not there is cut from train by the seed."""

    def sha256(self, split: str) -> dict[str, str]:
        """File name -> sha256 of everything the split's rows are read from."""

    def options(self) -> dict[str, Any]:
        """What else the rows depend on, plain values: with `sha256` the key of the encoded store."""

    def rows(self, split: str) -> Rows:
        """Read, check and encode one split. Every fault raises a UserError that names file and row."""
