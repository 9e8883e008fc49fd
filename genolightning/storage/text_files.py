"""Reading plain or gzipped files at the door, and writing so that nothing half-written is ever taken for whole."""

import gzip
import hashlib
import os
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from genolightning.errors import BadTable, UserError

GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def _open(path: Path) -> BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes inside a plain, gzipped or bgzipped file; its first bytes decide, not its name.

    Raises BadTable where the file cannot be opened, or where its gzip turns out truncated or damaged while it is read.
    """
    with _open(path) as raw:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if not zipped:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, stream)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadTable(f"{path} is a truncated or damaged gzip file; fetch or write it again") from error


def read_text(path: Path) -> bytes:
    """The whole text of a plain or gzipped file as UTF-8 bytes, without a byte-order mark.

    Raises BadTable for an empty file, a truncated gzip, or a binary file where text was wanted.
    """
    with opened(path) as stream:
        data = stream.read()
    if data.startswith(_UTF16_BOMS):
        raise BadTable(f"{path} is UTF-16 text; save it again as UTF-8")
    data = data.removeprefix(_UTF8_BOM)
    if not data.strip():
        raise BadTable(f"{path} is empty; a text table with rows was wanted")
    if b"\0" in data or not _is_utf8(data):
        raise BadTable(f"{path} is a binary file, text was wanted; it may be plain or gzipped, nothing else")
    return data


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def sha256(path: Path) -> str:
    """The checksum of a file's bytes as they lie on disk (a gzipped file is not unpacked), in hexadecimal."""
    with _open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum(path: Path) -> int:
    """The CRC-32 of a file's bytes, at the speed of memory: tells damage, not malice."""
    value = 0
    with _open(path) as file:
        while chunk := file.read(1 << 22):
            value = zlib.crc32(chunk, value)
    return value


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary file name beside `path` to write to; it takes `path`'s place when the block ends well.

    Whatever goes wrong (a full disk, Ctrl-C, an exception) leaves `path` as it was and removes the temporary file.
    The name keeps `path`'s suffixes, for writers that look at them.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "new" / "table.csv"
    >>> with atomic_write(target) as part:
    ...     _ = part.write_text("id,label")
    >>> [file.name for file in target.parent.iterdir()]
    ['table.csv']
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
