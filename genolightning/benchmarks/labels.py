"""Labels of windows of a genome: of whole windows, or of the bases or bins in them."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class LabelSource(Protocol):
    """Labels of windows, on the genome's forward strand, one class for each kind of file that labels come from."""

    kind: str
    classes: list[str]
    resolution_bp: int | None  # None: one label, or one row of labels, a window; 1: one a base; n: one a bin
    reverse_complement: list[int] | None  # what class or column i becomes on the other strand

    def gather(self, start: NDArray[np.int64], length_bp: int, row: NDArray[np.int64]) -> NDArray[Any]:
        """Labels of windows that begin at `start`, int64 (n,), in the genome's map; `row` is the windows' row numbers.

        Labels along the genome follow `start`, labels of a row do not. Returns a new array of a narrow type: (n,),
        (n, labels), (n, bins) or (n, bins, labels); "no label" is -100, of float types NaN.
        """


@dataclass(frozen=True, slots=True)
class RowLabels:
    """Labels that belong to rows, wherever their windows are: the class of a table, or a row of labels."""

    kind: str
    classes: list[str]
    values: NDArray[Any]  # (rows,) class numbers or values | (rows, labels) | (rows, bins) | (rows, bins, labels)
    resolution_bp: int | None = None
    reverse_complement: list[int] | None = None

    def gather(self, start: NDArray[np.int64], length_bp: int, row: NDArray[np.int64]) -> NDArray[Any]:
        """The labels of rows, int64 (n,); `start` and `length_bp` do not matter.

        >>> RowLabels("binary", ["a", "b"], np.array([0, 1], np.int8)).gather(np.array([5]), 9, np.array([1])).tolist()
        [1]
        """
        labels: NDArray[Any] = self.values.take(row, 0)
        return labels
