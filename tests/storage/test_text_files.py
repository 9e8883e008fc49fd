"""Reading text files, compressed or not, and the errors for damaged ones."""

import gzip

import pytest

from genolightning.errors import BadTable
from genolightning.storage.text_files import open_decompressed, read_text
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
        with pytest.raises(BadTable, match="cannot be read"), open_decompressed(path):
            pass
