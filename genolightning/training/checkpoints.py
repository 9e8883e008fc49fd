"""Checkpoints: written completely or not at all, checked before they are read, and kept of the best epoch."""

import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint

from genolightning.errors import UntrustedRun, UserError


class AtomicCheckpoints(TorchCheckpointIO):
    """Write a draft in the same folder, flush, rename. The previous `last.ckpt` stays as `last.ckpt.prev`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint; UserError where that fails, with the last complete one kept."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".tmp")
        try:
            with draft.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # torch's zip writer turns a full disk into a RuntimeError
            draft.unlink(missing_ok=True)
            raise UserError(
                f"cannot write {path} ({' '.join(str(error).split())[:200]}); the last complete checkpoint is kept. "
                f"Free disk space, then: genolightning train resume={path.parent.parent}"
            ) from error
        if path.name == "last.ckpt" and path.exists():
            before = path.with_name("last.ckpt.prev")
            link = path.with_name("last.ckpt.prev.tmp")
            link.unlink(missing_ok=True)
            os.link(path, link)
            os.replace(link, before)
        os.replace(draft, path)


def is_intact(path: Path) -> bool:
    """Whether a checkpoint is a zip with its directory at the end, and every checksum in it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError):
        return False


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest intact checkpoint to go on from in a run folder: `last.ckpt`, else the one before it, else None."""
    for name in ("last.ckpt", "last.ckpt.prev"):
        path = folder / "checkpoints" / name
        if path.exists() and is_intact(path):
            return path
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint of ours onto the CPU, plain tensors and plain Python only.

    UserError where the file is missing, damaged or not ours; UntrustedRun where it would run code.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint; name a run folder or one of its checkpoints/*.ckpt")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises RuntimeError, EOFError, OSError or UnpicklingError for a damaged file
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise UntrustedRun(
                f"{path}: holds more than plain tensors and plain Python, loading it could run code"
            ) from error
        raise UserError(f"{path}: not a complete checkpoint ({type(error).__name__}); use another one") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint or "genolightning" not in checkpoint:
        raise UserError(f"{path}: not a checkpoint of GenoLightning; train one with: genolightning train")
    return checkpoint


class BestCheckpoint(ModelCheckpoint):
    """`checkpoints/best.ckpt`: the epoch with the best validation score. The run folder may be moved between kills."""

    def __init__(self, folder: Path, *, monitor: str, mode: str) -> None:
        super().__init__(
            dirpath=folder / "checkpoints",
            filename="best",
            monitor=monitor,
            mode=mode,
            save_on_train_epoch_end=False,  # but right after the validation
            enable_version_counter=False,
        )

    @property
    def state_key(self) -> str:
        """The key of this callback's state in checkpoints; Lightning reads it at every hook, so it is a constant."""
        return "Best"

    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing: it saves after a validation only."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the scores, for the files in this run's folder, wherever it is now."""
        here = Path(str(self.dirpath))

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        paths = {key: moved(state[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        scores = {moved(path): score for path, score in state["best_k_models"].items()}
        super().load_state_dict(state | paths | {"best_k_models": scores, "dirpath": self.dirpath})
        self.current_score = state["current_score"]
