"""The notebook's way in: a dataset by its name, a trained model by its folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import Dataset

from genolightning.config import compose as door
from genolightning.config import trust as saved
from genolightning.errors import UserError

if TYPE_CHECKING:
    from genolightning.runs.load import Trained


class Sequences(Dataset[tuple[Tensor, Tensor]]):
    """A split as (codes, label) pairs: uint8 (length,) of base codes without padding, and its target."""

    def __init__(self, table: "object", classes: list[str]) -> None:
        self.table, self.classes = table, classes

    def __len__(self) -> int:
        return int(self.table.rows)  # type: ignore[attr-defined]

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        import numpy as np

        taken = self.table.row_arrays(np.array([row % len(self)]))  # type: ignore[attr-defined]
        return torch.from_numpy(taken.codes)[0], torch.from_numpy(taken.target)[0]


def load_dataset(name: str, split: str = "train", *overrides: str, config_dir: str | Path | None = None) -> Sequences:
    """Open a split of a dataset: `load_dataset("gb_human_enhancers_cohn", "train")`.

    `overrides` are words such as "dataset.genome=hg38.fa" or "seed=2", as on the command line.
    """
    if split not in ("train", "validation", "test"):
        raise UserError(f"split {split!r}: wanted train, validation or test")
    from hydra.utils import instantiate

    cfg = door.compose(
        "train", [f"dataset={name}", *overrides], config_dir=Path(config_dir) if config_dir else None
    ).cfg
    data = instantiate(cfg.dataset, _convert_="all")
    data.prepare_data()
    return Sequences(data.source(split), list(data.benchmark.classes))


def load_run(path: str | Path, *, trust: str | None = None) -> "Trained":
    """Load a trained model from a run folder or one of its checkpoints: `load_run(folder).predict(["ACGT..."])`."""
    from omegaconf import OmegaConf

    from genolightning.runs.load import checkpoint_of, load

    folder, checkpoint = checkpoint_of(path)
    return load(OmegaConf.create(saved.read(folder, trust=trust)), checkpoint)
