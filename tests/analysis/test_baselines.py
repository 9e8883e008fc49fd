"""The k-mer baseline: fitted once, kept by the files it was made from, refused for other files."""

import pytest

from genolightning.analysis import baselines
from genolightning.analysis.baselines import kmer_scores
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.errors import UserError
from tests.helpers.tiny import write_table


@pytest.fixture
def benchmark(tmp_path) -> LabelledTable:
    train = write_table(tmp_path / "train.csv", 80)
    return LabelledTable(train=train, test=write_table(tmp_path / "test.csv", 40, seed=1), name="toy")


def sums(benchmark: LabelledTable) -> dict[str, dict[str, str]]:
    return {split: benchmark.sha256(split) for split in benchmark.splits()}


def test_the_baseline_tells_classes_of_other_composition_apart(benchmark):
    scores = kmer_scores("toy", "original", 0, None, make_benchmark=lambda: benchmark)
    assert scores["auroc"].value > 0.9
    assert all(one.low <= one.value <= one.high for one in scores.values() if one.exists)


def test_it_is_fitted_once_for_the_same_files_wherever_they_lie(benchmark, monkeypatch):
    first = kmer_scores("toy", "original", 0, sums(benchmark), make_benchmark=lambda: benchmark)
    monkeypatch.setattr(baselines, "_fitted", None)
    moved = {
        split: {f"elsewhere/{name}": sha for name, sha in files.items()} for split, files in sums(benchmark).items()
    }
    assert kmer_scores("toy", "original", 0, moved, make_benchmark=None) == first


def test_runs_of_other_files_are_not_compared(benchmark):
    other = {split: dict.fromkeys(files, "0" * 64) for split, files in sums(benchmark).items()}
    with pytest.raises(UserError, match="not those that the runs were made from"):
        kmer_scores("toy", "original", 0, other, make_benchmark=lambda: benchmark)


def test_a_dataset_without_a_test_file_and_a_split_that_does_not_come_out_are_errors(tmp_path, benchmark):
    alone = LabelledTable(train=tmp_path / "train.csv", name="toy")
    with pytest.raises(UserError, match="give it a test file"):
        kmer_scores("toy", "original", 0, None, make_benchmark=lambda: alone)
    with pytest.raises(UserError, match="original came out"):
        kmer_scores("toy", "original-other", 0, None, make_benchmark=lambda: benchmark)
