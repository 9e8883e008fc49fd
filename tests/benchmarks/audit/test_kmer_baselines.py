import numpy as np
import pytest

from genolightning.benchmarks.audit.kmer_baselines import by_similarity, kmer_baselines
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.errors import UserError
from tests.helpers.make import sequence, write


def table(tmp_path, label) -> LabelledTable:
    rows = [f"{sequence(60, seed=n, letters='ACGT' + 'GC' * (n % 2))},{label(n)}" for n in range(60)]
    train = write(tmp_path / "train.csv", "\n".join(["sequence,label", *rows[:50]]))
    return LabelledTable(
        train=train, test=write(tmp_path / "test.csv", "\n".join(["sequence,label", *rows[40:]])), kind=None
    )


def test_rows_that_stand_in_train_fall_into_the_last_bin(tmp_path):
    scores = kmer_baselines(table(tmp_path, lambda n: "ab"[n % 2]), np.arange(50), np.arange(50, 70), k=2)
    assert scores["all"]["rows"] == 20
    assert scores["1.00"]["rows"] == 10
    assert scores["1.00"]["neighbour"] == 1.0


def test_numbers_have_no_classes_to_find(tmp_path):
    benchmark = table(tmp_path, lambda n: n / 7)
    benchmark._kind = "regression"
    with pytest.raises(UserError, match="no single class"):
        kmer_baselines(benchmark, np.arange(50), np.arange(50, 70))


def test_an_empty_bin_has_no_score():
    assert by_similarity(np.array([1.0]), np.array([0.0]))["1.00"] == (0, None)
