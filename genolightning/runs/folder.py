"""The folder of a run: its path, its lock, and which of several processes writes into it."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from genolightning.errors import UserError
from genolightning.paths import logs_dir
from genolightning.storage.atomic import atomic_write

SHARED = "GENOLIGHTNING_RUN_FOLDER"  # environment variable that passes the folder to the other DDP processes


@contextmanager
def run_folder(folder: Path, config_text: str, *, resumed: bool = False) -> Iterator[Path]:
    """Make a run folder, write its config, and hold its lock while the run lasts; yields the folder.

    Raises UserError for a folder that another run holds, one that holds a run already (unless resumed), and one that
    cannot be written. An error before anything was written leaves no folder behind. Other processes than the first of
    a distributed run get the folder and write nothing.
    """
    if not is_first_process():
        yield folder
        return
    is_new = not folder.exists()
    lock = _claim(folder, config_text, resumed=resumed)
    before = os.environ.get(SHARED)
    os.environ[SHARED] = str(folder)
    try:
        yield folder
    except Exception:
        if is_new:
            _remove_if_unused(folder)
        raise
    finally:
        lock.release()
        if before is None:
            os.environ.pop(SHARED, None)
        else:
            os.environ[SHARED] = before


def new_folder(verb: str, names: Sequence[Any], seed: int | None) -> Path:
    """`logs/<verb>/<dataset>/<model>/<time>-<seed>-<hex>`, or the folder that the first process of this run chose.

    Raises UserError where torchrun or Slurm started several processes, which would choose one each.
    """
    if not is_first_process() and SHARED in os.environ:
        return Path(os.environ[SHARED])
    if int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1:
        raise UserError("several processes were started from outside: give them one folder with hydra.run.dir=DIR")
    parts = [re.sub(r"[^\w.+-]+|^\.+", "-", str(name)) for name in names]
    return logs_dir().joinpath(verb, *parts, f"{datetime.now():%Y%m%d-%H%M%S}-{seed}-{secrets.token_hex(2)}")


def newest_folder(verb: str = "train") -> Path:
    """The newest run folder of a verb below logs/, for `run=last`; UserError where there is none."""
    folders = [file.parent.parent for file in (logs_dir() / verb).glob("*/*/*/.hydra/config.yaml")]
    if not folders:
        raise UserError(f"last: there is no run folder in {logs_dir() / verb}; train one with: genolightning train")
    return max(folders, key=lambda folder: ((folder / ".hydra" / "config.yaml").stat().st_mtime, folder.name))


def is_first_process() -> bool:
    """Whether this process writes the run folder: Lightning, torchrun and Slurm number theirs."""
    step = int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1) > 1
    rank = os.environ.get("RANK") or (os.environ.get("SLURM_PROCID") if step else None) or os.environ.get("LOCAL_RANK")
    return int(rank or 0) == 0


def _claim(folder: Path, config_text: str, *, resumed: bool) -> FileLock:
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        if not resumed:
            _refuse_used(folder)
        (folder / ".hydra").mkdir(exist_ok=True)
        with atomic_write(folder / ".hydra" / "config.yaml") as draft:
            draft.write_text(config_text)
    except Timeout as error:
        raise UserError(
            f"{folder}: another run is writing there; wait for it, or name another with hydra.run.dir=DIR"
        ) from error
    except OSError as error:
        lock.release()
        raise UserError(
            f"cannot write the run folder {folder} ({error.strerror or error}); "
            "name a place that can be written with hydra.run.dir=DIR or GENOLIGHTNING_LOGS"
        ) from error
    except UserError:
        lock.release()
        raise
    return lock


def _refuse_used(folder: Path) -> None:
    if (folder / "record.json").exists():
        raise UserError(f"{folder} holds a finished run; name another folder with hydra.run.dir=DIR")
    if any(folder.glob("checkpoints/*.ckpt")):
        raise UserError(f"{folder} holds an unfinished run; go on with: genolightning train resume={folder}")


def _remove_if_unused(folder: Path) -> None:
    """Remove a run folder that holds no more than its config and lock."""
    if {path.name for path in folder.iterdir()} <= {".hydra", ".lock"}:
        shutil.rmtree(folder)
