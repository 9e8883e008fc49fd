"""A sweep as a file for the agents of Weights & Biases."""

from genolightning.sweeps.search_space import read_space
from genolightning.sweeps.wandb_export import wandb_sweep


def test_a_grid_is_exported_with_the_values_of_its_lists_and_ranges():
    made = wandb_sweep(read_space("seeds", ["dataset=motifs", "model=cnn,convnet", "seed=range(1,3)"]))
    assert made["method"] == "grid"
    assert made["metric"] == {"name": "val/auroc", "goal": "maximize"}
    assert made["parameters"] == {"seed": {"values": ["1", "2"]}, "model": {"values": ["cnn", "convnet"]}}
