"""Opening files of text by their content: plain, gzipped or bgzipped, UTF-8 with or without a byte-order mark."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from genolightning.errors import BadTable

GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def open_bytes(path: Path) -> BufferedReader:
    """Open a file as it is on disk; BadTable where it cannot be read."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error


@contextmanager
def open_decompressed(path: Path) -> Iterator[BinaryIO]:
    """Open the bytes inside a plain, gzipped or bgzipped file; its first bytes decide, not its name.

    Raises BadTable where the file cannot be opened, or where its gzip turns out truncated or damaged while it is read.
    """
    with open_bytes(path) as raw:
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
    """Read the text of a plain or gzipped file as UTF-8 bytes, without a byte-order mark.

    Raises BadTable for an empty file, a truncated gzip, or a binary file where text was wanted.
    """
    with open_decompressed(path) as stream:
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
