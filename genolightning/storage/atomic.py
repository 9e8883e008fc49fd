"""Folders that appear whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genolightning.errors import UserError


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A draft folder beside `path` to write into; it takes that name when the block ends well, else it is removed.

    Raises UserError where `path` exists and holds anything, or its parent cannot be written.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "tables"
    >>> with whole_folder(target) as draft:
    ...     _ = (draft / "a.csv").write_text("id")
    >>> [file.name for file in target.iterdir()]
    ['a.csv']
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(f"{path} exists already; remove it, or name another folder with --output FOLDER")
    draft = path.with_name(f".draft-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        draft.mkdir(parents=True)
        yield draft
        os.replace(draft, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}; name another with --output") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
