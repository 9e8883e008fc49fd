"""A trained model from its run folder or checkpoint: allowed classes, plain tensors, no dataset needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray

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

Builder = Callable[[Facts], tuple[Task, pl.LightningModule]]


@dataclass(frozen=True)
class TrainedModel:
    """A model with its best weights, in evaluation mode, and the facts of the dataset it was trained on."""

    model: pl.LightningModule
    facts: Facts
    task: Task
    config: Mapping[str, Any]

    def predict(self, sequences: list[str], *, batch_size: int = 256) -> NDArray[np.float32]:
        """Predict DNA strings: the positive class's probability (rows,) for two classes, else (rows, classes),
        (rows, labels) or values (rows,). Sequences of unequal length are padded, which changes no prediction.
        """
        if isinstance(sequences, str) or not len(sequences):
            raise UserError('predict: wanted a list of sequences, e.g. predict(["ACGT"])')
        numbers = np.arange(len(sequences))
        rows = Rows(encode(sequences), np.zeros((len(sequences), 0)), numbers.astype(str), numbers, {})
        self.model.eval()
        with torch.inference_mode():
            parts = [self._predict_batch(batch) for batch in self.batches(rows, batch_size=batch_size)]
        return np.concatenate(parts)

    def _predict_batch(self, batch: Any) -> NDArray[np.float32]:
        device = next(self.model.parameters()).device
        moved = batch if device.type == "cpu" else self.model.transfer_batch_to_device(batch, device, 0)
        values: NDArray[np.float32] = self.model.predict_step(moved)[1].float().cpu().numpy()
        return values

    def batches(self, rows: Rows, *, batch_size: int, crop: bool = False, rank: int = 0, world: int = 1) -> BatchLoader:
        """Unlabelled rows as batches; a row longer than the model takes is an error, or is cropped."""
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
        raise UserError(
            f"run={path}: there is no such folder (looked for {path.absolute()}); "
            "give one that `genolightning train` printed"
        )
    best, last = (path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt"))
    if not best.exists() and not last.exists():
        raise UserError(f"run={path}: no checkpoint there; finish it with: genolightning train resume={path}")
    return path, best if best.exists() else last


def load_trained(checkpoint: Path, build: Builder, config: Mapping[str, Any]) -> TrainedModel:
    """Build the model for the facts in a checkpoint, and load its weights onto the CPU.

    Raises UserError where the facts are not ours, or the weights are those of another model than `build` makes.
    """
    content = read_checkpoint(checkpoint)
    try:
        facts = Facts(**content["genolightning"]["facts"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{checkpoint}: its facts are not ours ({error}); train again") from error
    task, model = build(facts)
    try:
        model.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise UserError(f"{checkpoint}: weights of another model than its config's: {first}") from error
    return TrainedModel(model.eval(), facts, task, config)
