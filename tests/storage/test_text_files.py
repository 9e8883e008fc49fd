"""Files at the door, and files that are whole or not there."""

import gzip
import hashlib

import pytest

from genolightning.errors import BadTable
from genolightning.storage.text_files import atomic_write, opened, read_text, sha256
from tests.helpers.make import write


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "gzipped_without_saying_so"])
def test_text_reads_the_same_plain_or_gzipped_whatever_its_name(tmp_path, name):
    text = b"sequence,label\nACGT,1\n"
    path = tmp_path / name
    path.write_bytes(text if name.endswith("csv") else gzip.compress(text, mtime=0))
    assert read_text(path) == text


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert read_text(write(tmp_path / "excel.csv", "\ufeffid,label\n")) == b"id,label\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"id,label\n\x00\x01\x02", "binary"),
        (b"id,label\n\xff\x80\xfe", "binary"),
        ("id,label\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(bytes(range(256)) * 20, mtime=0)[:-9], "truncated"),
        (b"\x1f\x8b not really", "truncated or damaged"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path, content, reason):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(BadTable, match=reason) as caught:
        read_text(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(BadTable, match="cannot be read"), opened(path):
            pass


def test_the_checksum_is_that_of_the_bytes_on_disk(tmp_path):
    path = write(tmp_path / "a.gz", "ACGT")
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_atomic_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "record.json", "old")

    def fail_half_way():
        with atomic_write(path) as part:
            part.write_text("half of the n")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_half_way()
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]
    assert path.read_text() == "old"
