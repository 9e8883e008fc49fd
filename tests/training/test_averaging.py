"""callbacks=ema: the averaged weights are the ones that are kept, tested and handed out."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from genolightning import load_run
from genolightning.errors import UserError
from genolightning.training.averaging import Ema
from tests.helpers.tiny import train, write_table
from tests.helpers.training import module


def test_the_averaged_weights_are_what_is_tested(tmp_path):
    table, folder = write_table(tmp_path / "t.csv"), tmp_path / "out"
    ema = ["callbacks=ema", "callbacks.weight_averaging.decay=.9", "optimizer.lr=.01", "dataset.batch_size=8"]
    assert train(folder, "dataset=table", f"dataset.train={table}", f"dataset.test={table}", *ema) == 0
    kept = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    live, averaged = kept["current_model_state"], kept["state_dict"]
    assert not all(torch.equal(live[name], averaged[name]) for name in averaged)
    model = load_run(folder)
    for name, weights in model.model.state_dict().items():
        torch.testing.assert_close(weights, averaged[name])
    sequences = pl.read_csv(table)["sequence"].to_list()
    tested = pl.read_parquet(folder / "predictions.parquet")
    np.testing.assert_allclose(tested["p_1"].to_numpy(), model.predict(sequences), atol=1e-5)


@pytest.mark.parametrize("decay", [None, 1, -0.1, "slow"])
def test_an_average_that_forgets_nothing_or_all_is_refused(decay):
    with pytest.raises(UserError, match=r"decay=.*wanted 0 to 1"):
        Ema(decay=decay)


def test_the_mean_of_the_weights_is_made_where_the_model_will_be():
    ema = Ema()
    ema.setup(SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("meta"))), module(), "fit")
    assert {weight.device.type for weight in ema._average_model.parameters()} == {"meta"}
