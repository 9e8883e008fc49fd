"""Models from run folders: which checkpoint is read, and what is predicted whatever the batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from genolightning.benchmarks.base import Rows
from genolightning.errors import UserError
from genolightning.genome.codes import encode
from genolightning.models.base import InputSpec
from genolightning.runs import load
from genolightning.runs.load import TrainedModel, checkpoint_of, load_trained
from genolightning.training.tasks import for_facts
from tests.helpers.tiny import sequences
from tests.helpers.training import FACTS, module


def trained() -> TrainedModel:
    torch.manual_seed(0)
    return TrainedModel(module().eval(), FACTS, for_facts(FACTS), {})


def saved(path: Path, model: torch.nn.Module, **own) -> Path:
    torch.save({"state_dict": model.state_dict(), "genolightning": {"facts": FACTS.as_dict()} | own}, path)
    return path


def test_predictions_do_not_depend_on_the_batch_or_on_padding():
    model, rows = trained(), [*sequences(7, 30), *sequences(3, 19, seed=1)]
    together = model.predict(rows)
    assert (together.shape, together.dtype) == ((10,), np.float32)
    np.testing.assert_allclose(model.predict(rows, batch_size=3), together, atol=1e-6)
    np.testing.assert_allclose([model.predict([one])[0] for one in rows], together, atol=1e-6)


@pytest.mark.parametrize("wrong", ["ACGT", []])
def test_one_sequence_or_none_is_an_error(wrong):
    with pytest.raises(UserError, match="wanted a list of sequences"):
        trained().predict(wrong)


def test_a_row_longer_than_the_model_takes_is_an_error_or_cropped(monkeypatch):
    model = trained()
    monkeypatch.setattr(load, "input_of", lambda _: InputSpec(max_bp=20))
    numbers = np.arange(2)
    rows = Rows(encode(["A" * 20, "C" * 25]), np.zeros((2, 0)), np.array(["short", "long"]), numbers, {})
    with pytest.raises(UserError, match="long: 25 bp, this model takes 20"):
        model.batches(rows, batch_size=2)
    (batch,) = model.batches(rows, batch_size=2, crop=True)
    assert batch.codes.shape == (2, 20)


def test_the_best_checkpoint_of_a_folder_is_read_and_else_the_last(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    with pytest.raises(UserError, match="no checkpoint there"):
        checkpoint_of(tmp_path)
    for name in ("last.ckpt", "best.ckpt"):
        (folder / name).touch()
        assert checkpoint_of(tmp_path) == (tmp_path, folder / name)
    assert checkpoint_of(str(folder / "last.ckpt")) == (tmp_path, folder / "last.ckpt")


def test_a_folder_that_is_not_there_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"looked for {tmp_path / 'none'}"):
        checkpoint_of("none")


def test_weights_come_from_the_checkpoint_and_the_facts_with_them(tmp_path):
    first, second = trained().model, module()
    loaded = load_trained(saved(tmp_path / "a.ckpt", first), lambda facts: (for_facts(facts), second), {"seed": 1})
    assert (loaded.facts, loaded.config, loaded.model.training) == (FACTS, {"seed": 1}, False)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], value)


@pytest.mark.parametrize(
    ("facts", "model", "message"),
    [({"kind": "binary"}, None, "its facts are not ours"), (None, torch.nn.Linear(1, 1), "weights of another model")],
)
def test_a_checkpoint_that_does_not_fit_is_named(tmp_path, facts, model, message):
    own = {} if facts is None else {"facts": facts}
    path = saved(tmp_path / "a.ckpt", module(), **own)
    with pytest.raises(UserError, match=message) as error:
        load_trained(path, lambda facts: (for_facts(facts), model), {})
    assert str(path) in str(error.value)
