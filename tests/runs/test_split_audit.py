import numpy as np
import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.data.datamodule import SequenceDataModule
from genolightning.runs.split_audit import verdict
from tests.helpers.make import sequence, write


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    rows = [f"{sequence(40, seed=n)},{'ab'[n % 2]}" for n in range(60)]
    train = write(tmp_path / "train.csv", "\n".join(["sequence,label", *rows]))
    return train, write(tmp_path / "test.csv", "\n".join(["sequence,label", *rows[:10]]))


def test_a_test_file_that_repeats_training_rows_is_leaky(files):
    data = SequenceDataModule(LabelledTable(train=files[0], test=files[1]), seed=3)
    found = verdict(data)
    assert found is not None
    assert (found["verdict"], found["split"]) == ("leaky", "original")


def test_a_split_by_seed_is_judged_on_its_own_test_rows(files):
    data = SequenceDataModule(LabelledTable(train=files[0]), seed=3, test_fraction=0.3)
    found = verdict(data)
    assert found is not None
    assert found["split"] == "random, seed 3"
    assert not any("repeat" in reason for reason in found["reasons"])
    assert len(np.unique(data.index("test"))) == 18
