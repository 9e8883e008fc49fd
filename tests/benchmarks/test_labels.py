import numpy as np

from genolightning.benchmarks.labels import RowLabels


def test_labels_of_rows_do_not_follow_a_shift():
    values = np.array([[0, 1], [1, 1], [-100, 0]], np.int8)
    labels = RowLabels("multilabel", ["a", "b"], values)
    rows = np.array([2, 0, 2])
    for start in (np.array([5, 9, 70]), np.array([6, 10, 71])):
        gathered = labels.gather(start, 8, rows)
        assert gathered.tolist() == [[-100, 0], [0, 1], [-100, 0]]
        assert gathered.dtype == np.int8
    gathered[:] = 7
    assert values.max() == 1
