"""A dataset by its name: its file, its benchmark, its datamodule."""

import pytest

from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.config.datasets import benchmark_from_name, dataset_file, dataset_from_name
from genolightning.errors import UserError
from genolightning.paths import conf_dir
from tests.helpers.tiny import write_table


def test_a_file_of_the_users_own_is_found_beside_ours(tmp_path):
    assert dataset_file("table") == conf_dir() / "dataset" / "table.yaml"
    own = tmp_path / "dataset" / "mine.yaml"
    own.parent.mkdir()
    own.write_text("defaults: [table, _self_]\nname: mine\n")
    assert dataset_file("mine", tmp_path) == own
    assert dataset_file("table", tmp_path) == conf_dir() / "dataset" / "table.yaml"


@pytest.mark.parametrize("make", [dataset_file, dataset_from_name, benchmark_from_name])
def test_a_name_that_is_almost_one_gets_a_suggestion(make):
    with pytest.raises(UserError, match=r"no dataset 'gue_tf_00'; did you mean gue_tf_0\?"):
        make("gue_tf_00")


def test_benchmark_and_datamodule_are_built_from_the_same_overrides(tmp_path):
    overrides = [f"dataset.train={write_table(tmp_path / 't.csv', 30)}", "dataset.name=toy"]
    benchmark = benchmark_from_name("table", overrides)
    data = dataset_from_name("table", [*overrides, "dataset.batch_size=7"])
    assert isinstance(benchmark, LabelledTable)
    assert (benchmark.name, data.benchmark.name, data.batch_size) == ("toy", "toy", 7)
    assert data.benchmark.sha256("train") == benchmark.sha256("train")


def test_a_value_that_is_missing_is_named():
    with pytest.raises(UserError, match=r"dataset\.train"):
        benchmark_from_name("table")
