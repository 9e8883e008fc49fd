"""callbacks=ema: the averaged weights are the ones that are kept, tested and handed out."""

import numpy as np
import polars as pl
import torch

from genolightning import load_run
from tests.helpers.tiny import train, write_table


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
