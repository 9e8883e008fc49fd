"""A FASTA becomes base codes in one pass, whatever its lines, its compression and the size of the pieces read."""

import gzip
import io

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.genome import fasta as module
from genolightning.genome.alphabet import decode
from genolightning.genome.fasta import encode_fasta

TEXT = ">one first record\nACGT\nNNac\n>two\nGG\n\nTT\n"


def encoded(path):
    out = io.BytesIO()
    lengths = encode_fasta(path, out)
    return lengths, decode(np.frombuffer(out.getvalue(), np.uint8))


def written(folder, text):
    path = folder / "genome.fa"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_records_are_concatenated_and_their_lengths_returned_in_order(tmp_path):
    lengths, bases = encoded(written(tmp_path, TEXT))
    assert list(lengths.items()) == [("one", 8), ("two", 4)]
    assert bases == "ACGTNNACGGTT"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64])
def test_the_size_of_the_pieces_changes_nothing(tmp_path, monkeypatch, size):
    path = written(tmp_path, TEXT)
    whole = encoded(path)
    monkeypatch.setattr(module, "CHUNK_BYTES", size)
    assert encoded(path) == whole


@pytest.mark.parametrize("change", [lambda text: text.replace("\n", "\r\n"), str.rstrip, lambda text: "\n" + text])
def test_line_ends_and_blank_lines_change_nothing(tmp_path, change):
    assert encoded(written(tmp_path, change(TEXT))) == encoded(written(tmp_path, TEXT))


def test_a_gzipped_file_is_read_as_a_plain_one(tmp_path):
    assert encoded(written(tmp_path, gzip.compress(TEXT.encode()))) == encoded(written(tmp_path, TEXT))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("ACGT\n", "not a FASTA"),
        (">one\nAC\n>one\nGT\n", "one occurs twice"),
        (">one\n>two\nAC\n", "record one: a header without bases"),
        (">one\nAC\n>\nGT\n", "record 2: the header names nothing"),
        (">one\nAC\nA*C\n", r"line 3: '\*' in record one"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "truncated or damaged gzip"),
    ],
)
def test_what_is_no_fasta_is_refused_with_its_place(tmp_path, text, reason):
    with pytest.raises(BadTable, match=reason):
        encoded(written(tmp_path, text))
