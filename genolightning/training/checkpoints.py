"""Checkpoints that are whole or not there: written under another name, renamed, and recognised when torn."""

import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from genolightning.errors import UntrustedRun, UserError


class AtomicCheckpoints(TorchCheckpointIO):
    """Write beside the target, flush to disk, rename. The previous `last.ckpt` stays as `last.ckpt.prev`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
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
                f"cannot write {path} ({' '.join(str(error).split())[:200]}); the last whole checkpoint is kept. "
                f"Make room and go on with: genolightning train resume={path.parent.parent}"
            ) from error
        if path.name == "last.ckpt" and path.exists():
            before = path.with_name("last.ckpt.prev")
            link = path.with_name("last.ckpt.prev.tmp")
            link.unlink(missing_ok=True)
            os.link(path, link)
            os.replace(link, before)
        os.replace(draft, path)


def whole(path: Path) -> bool:
    """Whether a checkpoint is a zip with its directory at the end, and every checksum in it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError):
        return False


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint to go on from in a run folder: `last.ckpt`, else the one before it, else None."""
    for name in ("last.ckpt", "last.ckpt.prev"):
        path = folder / "checkpoints" / name
        if path.exists() and whole(path):
            return path
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint of ours onto the CPU, plain tensors and plain Python only.

    UserError where the file is missing, torn or not ours; UntrustedRun where it would run code.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint; name a run folder or one of its checkpoints/*.ckpt")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises RuntimeError, EOFError, OSError or UnpicklingError for a torn file
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise UntrustedRun(
                f"{path}: holds more than plain tensors and plain Python, loading it could run code"
            ) from error
        raise UserError(f"{path}: not a whole checkpoint ({type(error).__name__}); use another one") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint or "genolightning" not in checkpoint:
        raise UserError(f"{path}: not a checkpoint of GenoLightning; train one with: genolightning train")
    return checkpoint
