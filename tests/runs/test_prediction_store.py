"""Predictions are kept on disk while a split is predicted, and come back in table order from any process count."""

import numpy as np
import pytest
import torch

from genolightning.errors import Diverged
from genolightning.runs import prediction_store
from genolightning.runs.prediction_store import (
    PredictionAppender,
    StoredPredictions,
    StoredRows,
    concatenate_padded,
    predict_rows,
)


def stored(folder, batches, ranks=1):
    """Batches (index, values) appended by processes in turn, as evaluation shares them out."""
    appenders = [PredictionAppender(folder, rank) for rank in range(ranks)]
    for number, (index, values) in enumerate(batches):
        appenders[number % ranks].append(torch.as_tensor(index), torch.as_tensor(values))
    return StoredRows(folder, sorted(chunk for appender in appenders for chunk in appender.chunks))


def batches_of(values, index=None, size=7):
    index = np.arange(len(values)) if index is None else index
    return [(index[i : i + size], values[i : i + size]) for i in range(0, len(values), size)]


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(), (4,), (6, 3)])
def test_rows_come_back_in_table_order_for_any_number_of_processes(tmp_path, monkeypatch, ranks, shape):
    monkeypatch.setattr(prediction_store, "BLOCK_ROWS", 20)
    values = np.random.default_rng(0).random((50, *shape), dtype=np.float32)
    index = np.arange(50) * 3
    rows = stored(tmp_path, batches_of(values, index), ranks)
    blocks = list(rows.blocks())
    assert len(blocks) > 2
    assert np.array_equal(np.concatenate([one for one, _ in blocks]), index)
    assert np.array_equal(np.concatenate([one for _, one in blocks]), values)
    assert rows.rows == 50


def test_a_block_holds_no_more_values_than_its_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_store, "BLOCK_VALUES", 100)
    rows = stored(tmp_path, batches_of(np.zeros((50, 10), np.float32), size=3))
    assert max(values.size for _, values in rows.blocks()) <= 100


def test_batches_of_other_widths_are_padded_to_the_widest_row_of_the_table(tmp_path):
    rows = stored(tmp_path, [(np.arange(2), np.ones((2, 3))), (np.arange(2, 3), np.ones((1, 5)))])
    lengths = np.array([3, 2, 5])
    target = np.zeros((3, 6), int)
    predictions = StoredPredictions(rows, np.arange(3), np.array(["a", "b", "c"]), target, lengths, resolution_bp=1)
    read = predictions.read()
    assert read.values.shape == target.shape
    assert read.values.sum() == 11
    assert read.places.tolist() == [3, 2, 5]
    assert read.ids.tolist() == ["a", "b", "c"]


def test_language_model_rows_are_nats_and_the_bases_they_are_over(tmp_path):
    rows = stored(tmp_path, [(np.arange(2), np.array([[1.5, 10], [2.5, 20]]))])
    read = StoredPredictions(
        rows, np.arange(2), np.array(["a", "b"]), None, np.array([11, 21]), language_model=True
    ).read()
    assert (read.values.tolist(), read.target.tolist()) == ([1.5, 2.5], [10, 20])


def test_a_row_that_is_missing_or_out_of_place_is_noticed(tmp_path):
    rows = stored(tmp_path, batches_of(np.zeros(9, np.float32), size=3))
    for index in (np.arange(10), np.arange(1, 10)):
        predictions = StoredPredictions(rows, index, index.astype(str), None, np.ones(len(index), int))
        with pytest.raises((AssertionError, ValueError)):
            predictions.read()


def test_padding_is_zero_and_to_the_right():
    joined = concatenate_padded([np.ones((1, 2, 2)), np.ones((1, 1, 2))])
    assert joined[1].tolist() == [[1, 1], [0, 0]]
    assert concatenate_padded([np.ones(2), np.ones(1)]).tolist() == [1, 1, 1]


class Trainer:
    """As much of a trainer as prediction needs."""

    global_rank, world_size = 0, 1

    def __init__(self):
        self.callbacks = []

    def predict(self, model, dataloaders, return_predictions):
        assert not return_predictions
        for number, batch in enumerate(dataloaders):
            for callback in self.callbacks:
                callback.on_predict_batch_end(self, model, model(batch), batch, number)


def test_a_split_is_predicted_into_files_which_are_then_removed(tmp_path):
    trainer = Trainer()
    loader = [torch.arange(4), torch.arange(4, 6)]
    rows = predict_rows(trainer, lambda batch: (batch, batch / 10), loader, tmp_path / "parts")
    ((index, values),) = rows.blocks()
    assert index.tolist() == list(range(6))
    assert values == pytest.approx(np.arange(6) / 10)
    assert trainer.callbacks == []
    rows.remove()
    assert not (tmp_path / "parts").exists()


def test_a_prediction_that_is_not_a_number_is_refused(tmp_path):
    with pytest.raises(Diverged, match="not numbers"):
        predict_rows(Trainer(), lambda batch: (batch, batch / 0 - batch / 0), [torch.arange(3)], tmp_path / "parts")
