"""Fine-tuning: the weights of another run, rates that fall with depth, and what is printed and recorded of both."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from genolightning import load_run
from genolightning.config.compose import compose
from genolightning.training.checkpoints import read_checkpoint
from genolightning.training.transfer import load_matching
from tests.helpers.tiny import run, sequences, train, write_table
from tests.helpers.training import module

HYENA = ["model.backbone.dim=8", "model.backbone.depth=1"]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> Path:
    """A run folder: a tiny Hyena that has read a tiny genome."""
    folder = tmp_path_factory.mktemp("pretrained")
    genome = folder / "genome.fa"
    genome.write_text("".join(f">chr{i}\n{dna}\n" for i, dna in enumerate(sequences(3, 800))))
    held = ["dataset.validation_chromosomes=[chr1]", "dataset.test_chromosomes=[chr2]", "dataset.window_bp=64"]
    words = [f"dataset.genome={genome}", "dataset.kind=masked_lm", *held, *HYENA]
    assert train(folder / "run", "dataset=genome_windows", *words, model="hyena") == 0
    return folder / "run"


def tune(folder: Path, start: Path, *words: str, model: str = "hyena") -> int:
    mine = write_table(folder.parent / "mine.csv")
    small = HYENA if model == "hyena" else []
    return train(
        folder, "dataset=table", f"dataset.train={mine}", f"model.init_from={start}", *small, *words, model=model
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"]


def test_a_frozen_backbone_is_the_pretrained_one_and_what_was_not_loaded_is_printed_and_kept(
    pretrained, tmp_path, capsys
):
    assert tune(tmp_path / "run", pretrained, "model.freeze=backbone") == 0
    theirs, ours = weights(pretrained), weights(tmp_path / "run")
    backbone = [name for name in ours if name.startswith("backbone.")]
    assert backbone
    assert all(torch.equal(ours[name], theirs[name]) for name in backbone)
    printed = capsys.readouterr().out
    assert "stays random" not in printed
    assert "head.linear.weight (not there)" in printed
    noted = json.loads((tmp_path / "run" / "record.json").read_text())["init_from"]
    assert sum(noted["loaded"].values()) == len(backbone)
    assert set(noted["not_loaded"]) == {"head.linear.weight", "head.linear.bias"}
    assert noted["checkpoint"] == "best.ckpt"
    parameters = sum(weight.numel() for weight in load_run(tmp_path / "run").model.parameters())
    assert noted["share"] == pytest.approx(1 - 9 / parameters, abs=1e-6)  # a head of 8 weights and a bias


def test_a_frozen_backbone_without_trained_weights_is_warned_of(tmp_path, capsys):
    mine = write_table(tmp_path / "mine.csv")
    words = ["dataset=table", f"dataset.train={mine}", "trainer.max_epochs=1", "model.freeze=backbone"]
    assert train(tmp_path / "run", *words) == 0
    text = "model.freeze=backbone without model.init_from: the backbone stays random"
    assert f"warning: {text}" in capsys.readouterr().out
    assert any(note.startswith(text) for note in json.loads((tmp_path / "run" / "record.json").read_text())["warnings"])


def test_filters_of_another_length_are_warned_of(pretrained, tmp_path, capsys):
    assert tune(tmp_path / "run", pretrained, "model.backbone.l_max=500", "trainer.max_epochs=1") == 0
    assert "l_max is 200 there, 500 here" in capsys.readouterr().out


def test_another_window_is_warned_of_and_what_training_alone_reads_is_not(pretrained, tmp_path, capsys):
    words = ["model.backbone.shift=.2", "model.backbone.dropout=.1", "model.backbone.checkpointing=true"]
    assert tune(tmp_path / "run", pretrained, *words, "trainer.max_epochs=1") == 0
    noted = json.loads((tmp_path / "run" / "record.json").read_text())["init_from"]
    assert noted["unlike"] == {"shift": "0.05 there, 0.2 here"}
    assert "shift is 0.05 there, 0.2 here" in capsys.readouterr().out


def test_a_run_that_goes_on_needs_the_other_no_more(pretrained, tmp_path):
    start, folder = tmp_path / "start", tmp_path / "run"
    shutil.copytree(pretrained, start)
    assert tune(folder, start, "trainer.max_epochs=1") == 0
    first = json.loads((folder / "record.json").read_text())["init_from"]
    shutil.rmtree(start)
    (folder / "record.json").unlink()
    assert run("train", f"resume={folder}", "trainer.max_epochs=2") == 0
    assert json.loads((folder / "record.json").read_text())["init_from"] == first


@pytest.mark.parametrize("start", ["nowhere", "nowhere/last.ckpt"])
def test_a_run_without_a_checkpoint_is_refused(start, tmp_path, capsys):
    assert tune(tmp_path / "run", tmp_path / start) == 2
    error = capsys.readouterr().err
    assert "no checkpoint there" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_weights_of_which_none_fits_are_refused_with_the_model_that_has_them(pretrained, tmp_path, capsys):
    assert tune(tmp_path / "run", pretrained, model="convnet") == 2
    assert "use model=hyena as it did" in capsys.readouterr().err


def test_a_head_that_fits_is_not_enough(tmp_path, capsys):
    mine = write_table(tmp_path / "mine.csv")
    assert (
        train(tmp_path / "cnn", "dataset=table", f"dataset.train={mine}", "trainer.max_epochs=1", model="convnet") == 0
    )
    assert tune(tmp_path / "run", tmp_path / "cnn") == 2  # its head.linear.bias, one number, fits any other
    assert "fits this model's backbone; use model=convnet as it did" in capsys.readouterr().err


def test_a_head_for_another_question_stays_as_it_was():
    ours, theirs = module(), module()
    head = ours.head.linear.weight.clone()
    taken = load_matching(ours, theirs.state_dict(), head=False)
    assert torch.equal(ours.head.linear.weight, head)
    assert torch.equal(ours.backbone.stem.weight, theirs.backbone.stem.weight)
    assert set(taken.not_loaded) == {"head.linear.weight", "head.linear.bias"}
    assert load_matching(ours, theirs.state_dict()).not_loaded == {}
    assert torch.equal(ours.head.linear.weight, theirs.head.linear.weight)


def test_the_keys_of_fine_tuning_need_no_plus_and_take_any_path():
    cfg = compose("train", ["model=cnn", "model.init_from=logs/a=b,c", "model.layer_decay=.8"]).cfg
    assert cfg.model.init_from == "logs/a=b,c"
    assert cfg.model.layer_decay == 0.8


def test_yeast_is_pretrained_without_the_chromosome_that_is_tested():
    cfg = compose("train", ["experiment=hyenadna_tiny_sacCer3"]).cfg
    assert cfg.dataset.test_chromosomes == ["chrIV"]
    assert "chrM" in cfg.dataset.exclude_chromosomes
    assert cfg.dataset.evaluation_windows is None
    assert cfg.dataset.window_bp <= cfg.model.backbone.l_max - 2
