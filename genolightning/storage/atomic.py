"""Files and folders that appear complete or not at all: written under a temporary name, then renamed."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genolightning.errors import UserError

MAKE_ROOM = "make room, or name another place"
CACHE_FIX = "make room, or name another folder with GENOLIGHTNING_CACHE=FOLDER"


@contextmanager
def write_errors(what: object, fix: str = MAKE_ROOM) -> Iterator[None]:
    """Turn an OSError of the block, such as that of a full disk, into a UserError of one line.

    >>> with write_errors("a.csv"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    genolightning.errors.UserError: a.csv cannot be written: No space left on device; make room, or name another place
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{what} cannot be written: {error.strerror or error}", fix) from error


@contextmanager
def atomic_write(path: Path, *, fix: str = MAKE_ROOM) -> Iterator[Path]:
    """Yield a temporary file name next to `path` to write to; it takes `path`'s place when the block ends well.

    An error of any kind leaves `path` as it was and removes the temporary file; an OSError becomes a UserError that
    ends in `fix`. The temporary name keeps `path`'s suffixes, for writers that look at them.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "new" / "table.csv"
    >>> with atomic_write(target) as part:
    ...     _ = part.write_text("id,label")
    >>> [file.name for file in target.parent.iterdir()]
    ['table.csv']
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder", "name a file to write")
    part = path.with_name(f".part-{uuid.uuid4().hex[:12]}-{path.name}")
    with write_errors(path, fix):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            replace_synced(part, path)
        finally:
            part.unlink(missing_ok=True)


def replace_synced(part: Path, path: Path) -> None:
    """Rename a written file to its final name, after its bytes have reached the disk."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
    os.replace(part, path)


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False, fix: str = MAKE_ROOM) -> Iterator[Path]:
    """Yield a temporary folder next to `path` to write into; it takes `path`'s place when the block ends well.

    Raises UserError where it cannot be written, or where `path` exists and holds anything; with `replace` what is there
    is removed, and stays readable for those who have it open.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "tables"
    >>> with atomic_folder(target) as draft:
    ...     _ = (draft / "a.csv").write_text("id")
    >>> [file.name for file in target.iterdir()]
    ['a.csv']
    """
    if not replace and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(f"{path} exists already", "remove it, or name another folder with --output FOLDER")
    draft = path.with_name(f".part-{uuid.uuid4().hex[:12]}-{path.name}")
    with write_errors(path, fix):
        try:
            draft.mkdir(parents=True)
            yield draft
            if replace and path.exists():
                remove_folder(path)
            os.replace(draft, path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder, its name first, so that nobody opens it while it is half removed."""
    gone = path.with_name(f".part-{uuid.uuid4().hex[:12]}-{path.name}")
    os.replace(path, gone)
    shutil.rmtree(gone, ignore_errors=True)
