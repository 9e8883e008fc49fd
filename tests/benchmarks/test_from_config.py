"""A benchmark is built from its config as its datamodule builds it, without torch."""

import pytest

from genolightning.benchmarks.from_config import SERVED, make_benchmark
from genolightning.benchmarks.motifs import Motifs
from genolightning.config.datasets import benchmark_from_name, dataset_from_name
from genolightning.config.sweep_values import training_config

NAMES = {
    "gue_tf_0": [],
    "gb_human_nontata_promoters": [],
    "motifs": [],
    "genome_windows": ["dataset.genome=g.fa", "dataset.validation_chromosomes=[1]", "dataset.test_chromosomes=[2]"],
}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_benchmark_of_the_datamodule(name):
    light, served = benchmark_from_name(name, NAMES[name]), dataset_from_name(name, NAMES[name]).benchmark
    assert type(light) is type(served)
    assert vars(light) == vars(served)


def test_every_datamodule_is_among_those_tested():
    targets = {training_config([f"dataset={name}", *NAMES[name]])["dataset"]["_target_"] for name in NAMES}
    assert len(targets) == len(SERVED)


def test_a_key_that_the_benchmark_does_not_read_is_left_to_the_datamodule():
    config = {"_target_": "genolightning.data.datamodule.MotifsDataModule", "name": "m", "batch_size": 8}
    assert isinstance(make_benchmark(config), Motifs)
    assert make_benchmark(config | {"colour": "red"}) is None
    assert make_benchmark({"_target_": "mine.Data"}) is None
