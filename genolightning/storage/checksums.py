"""Checksums of files: sha256 to identify content, CRC-32 to notice damage."""

import hashlib
import zlib
from pathlib import Path

from genolightning.storage.text_files import open_bytes


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes on disk (a gzipped file is not unpacked), in hexadecimal; BadTable if unreadable."""
    with open_bytes(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def crc32(path: Path) -> int:
    """The CRC-32 of a file's bytes: finds damage, at the speed of memory; BadTable if unreadable."""
    value = 0
    with open_bytes(path) as file:
        while chunk := file.read(1 << 22):
            value = zlib.crc32(chunk, value)
    return value
