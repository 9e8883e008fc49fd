"""Input files are read in chunks, which together are the file."""

import numpy as np
import pytest

from genolightning.data import input_files
from genolightning.data.input_files import read_input, read_unlabelled
from genolightning.errors import BadTable, UserError
from genolightning.genome.alphabet import decode
from tests.helpers.make import sequence, write_fasta

RECORDS = {f"r{row}": sequence(5 + row, seed=row) for row in range(11)}


@pytest.fixture
def files(tmp_path):
    fasta = write_fasta(tmp_path / "in.fa", RECORDS)
    (tmp_path / "in.bed").write_text("".join(f"{name}\t1\t{len(bases)}\n" for name, bases in RECORDS.items()))
    rows = "".join(f"{name},{bases}\n" for name, bases in RECORDS.items())
    (tmp_path / "in.csv").write_text("name,sequence\n" + rows)
    return {
        "fasta": (fasta, {}, list(RECORDS.values())),
        "bed": (tmp_path / "in.bed", {"genome": fasta}, [bases[1:] for bases in RECORDS.values()]),
        "table": (tmp_path / "in.csv", {"id": "name"}, list(RECORDS.values())),
    }


@pytest.mark.parametrize("kind", ["fasta", "bed", "table"])
@pytest.mark.parametrize("chunk_rows", [1, 4, 100])
def test_chunks_hold_the_rows_of_the_file_in_order(files, kind, chunk_rows):
    path, settings, letters = files[kind]
    chunks = list(read_input(path, chunk_rows=chunk_rows, **settings))
    assert max(len(chunk.ids) for chunk in chunks) <= chunk_rows
    assert [decode(codes) for chunk in chunks for codes in chunk.codes] == letters
    assert np.concatenate([chunk.index for chunk in chunks]).tolist() == list(range(11))
    together = read_unlabelled(path, **settings)
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == together.ids.tolist()
    assert [decode(codes) for codes in together.codes] == letters


def test_a_chunk_ends_where_its_bases_are_enough(files, monkeypatch):
    monkeypatch.setattr(input_files, "CHUNK_BP", 20)
    path, _, _ = files["fasta"]
    chunks = list(read_input(path))
    assert [len(chunk.ids) for chunk in chunks][:3] == [3, 2, 1]
    assert read_unlabelled(path).index.tolist() == list(range(11))


def test_tiles_of_a_chunk_keep_the_row_number_of_the_file(files):
    path, _, _ = files["fasta"]
    parts = list(read_input(path, tile_bp=8, chunk_rows=6))
    assert parts[1].ids[:2].tolist() == ["r6:0-8", "r6:3-11"]
    assert parts[1].index[:3].tolist() == [6, 6, 7]


def test_a_letter_in_a_later_chunk_is_named_by_its_line(tmp_path):
    (tmp_path / "t.csv").write_text("sequence\nACGT\nACGT\nAC!T\n")
    with pytest.raises(BadTable, match=r"t\.csv line 4: '!' at base 3"):
        list(read_input(tmp_path / "t.csv", chunk_rows=2))


def test_a_missing_file_and_intervals_without_a_genome_are_refused(files, tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        next(read_input(tmp_path / "none.fa"))
    with pytest.raises(UserError, match="intervals need their genome"):
        next(read_input(files["bed"][0]))
