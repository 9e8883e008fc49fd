"""One line an epoch where the output is not a terminal."""

from types import SimpleNamespace

import torch

from genolightning.training.progress import PlainProgress


def test_a_line_names_the_epoch_its_scores_and_the_seconds(capsys):
    scores = {"val/loss": torch.tensor(0.25), "train/loss_step": torch.tensor(1.0)}
    PlainProgress().on_train_epoch_end(SimpleNamespace(callback_metrics=scores, current_epoch=1, max_epochs=5), None)
    assert capsys.readouterr().out == "epoch 2/5  val/loss 0.2500  0 s\n"
