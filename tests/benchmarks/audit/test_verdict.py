import numpy as np
import pytest

from genolightning.benchmarks.audit.verdict import split_verdict
from genolightning.benchmarks.labelled_table import LabelledTable
from tests.helpers.make import sequence, write


@pytest.fixture
def table(tmp_path, monkeypatch) -> LabelledTable:
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    rows = [f"{sequence(40, seed=n)},{'ab'[n % 2]}" for n in range(40)]
    copies = rows[:4]
    return LabelledTable(train=write(tmp_path / "t.csv", "\n".join(["sequence,label", *rows, *copies])))


def test_a_test_row_that_repeats_a_training_row_makes_the_split_leaky(table):
    verdict = split_verdict(table, "random", lambda: np.arange(40, 44), published=["train"], settings=[0.1, 1])
    assert (verdict["verdict"], verdict["split"]) == ("leaky", "random")
    assert any("repeat or overlap a training row" in reason for reason in verdict["reasons"])


def test_a_verdict_is_computed_once_for_the_same_rows(table):
    first = split_verdict(table, "random", lambda: np.arange(20, 30), published=["train"], settings=[0.1, 1])
    again = split_verdict(table, "random", lambda: 1 / 0, published=["train"], settings=[0.1, 1])
    assert again == first
    with pytest.raises(ZeroDivisionError):
        split_verdict(table, "random", lambda: 1 / 0, published=["train"], settings=[0.1, 2])
