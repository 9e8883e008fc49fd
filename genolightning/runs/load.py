"""A trained model from its run folder or checkpoint: classes on the allow-list, plain tensors, no dataset needed."""

from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

from genolightning.batch import Batch
from genolightning.benchmarks.base import Rows
from genolightning.data.array_source import ArraySource
from genolightning.data.encoded_split import EncodedSplit
from genolightning.data.loader import BatchLoader
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.genome.codes import encode
from genolightning.models.base import input_of
from genolightning.training.checkpoints import read_checkpoint
from genolightning.training.task import Task


class Trained(NamedTuple):
    """A model with its best weights, in evaluation mode on the CPU, and what it knows of its dataset."""

    model: pl.LightningModule
    facts: Facts
    task: Task
    config: dict[str, Any]

    def predict(self, sequences: list[str], *, batch_size: int = 256) -> NDArray[np.float32]:
        """What the task predicts for DNA strings, one row each: the second class's probability (rows,) of two classes,
        (rows, classes), (rows, labels), or values; rows of unequal length are padded, which changes nothing.
        """
        if isinstance(sequences, str) or not len(sequences):
            raise UserError('predict: wanted a list of sequences, e.g. predict(["ACGT"])')
        rows = Rows(
            encode(sequences),
            np.zeros((len(sequences), 0)),
            np.arange(len(sequences)).astype(str),
            np.arange(len(sequences)),
            {},
        )
        self.model.eval()
        with torch.inference_mode():
            parts = [self.model.predict_step(batch)[1].numpy() for batch in self.batches(rows, batch_size=batch_size)]
        return np.concatenate(parts)

    def batches(self, rows: Rows, *, batch_size: int, crop: bool = False, rank: int = 0, world: int = 1) -> BatchLoader:
        """Rows without labels as batches; a row longer than the model takes is an error, or is cropped."""
        spec = input_of(self.model)
        longest = spec.max_bp
        store = EncodedSplit("", rows.codes, rows.target, rows.ids, rows.index, {}, [])
        lengths = store.lengths()
        if longest is not None and lengths.max() > longest and not crop:
            row = int(np.argmax(lengths > longest))
            raise UserError(
                f"{rows.ids[row]}: {lengths[row]:,} bp, this model takes {longest:,}; "
                f"add tile_bp={longest}, or dataset.too_long=crop to read the first bases"
            )
        source = ArraySource(store, crop_bp=longest)
        if spec.tokenizer is not None:
            source.tokenize(spec.tokenizer)
        return BatchLoader(source, batch_size=batch_size, rank=rank, world=world)


def checkpoint_of(path: str | Path) -> tuple[Path, Path]:
    """(run folder, checkpoint) of a run folder (its best checkpoint) or of a checkpoint inside one."""
    path = Path(path)
    if path.suffix == ".ckpt":
        return path.absolute().parent.parent, path
    if not path.is_dir():
        raise UserError(f"run={path}: there is no such folder; give one that `genolightning train` printed")
    best, last = (path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt"))
    if not best.exists() and not last.exists():
        raise UserError(f"run={path}: no checkpoint there; finish it with: genolightning train resume={path}")
    return path, best if best.exists() else last


def load(cfg: Any, checkpoint: Path) -> Trained:
    """Build the config's model for the checkpoint's facts, and load its weights."""
    from omegaconf import OmegaConf

    from genolightning.config import objects as build

    build.quiet()
    content = read_checkpoint(checkpoint)
    try:
        facts = Facts(**content["genolightning"]["facts"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{checkpoint}: its facts are not ours ({error}); train again") from error
    task, model = build.task_and_model(cfg, facts)
    try:
        model.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise UserError(f"{checkpoint}: weights of another model than its config's: {first}") from error
    return Trained(model.eval(), facts, task, OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]


__all__ = ["Batch", "Trained", "checkpoint_of", "load"]
