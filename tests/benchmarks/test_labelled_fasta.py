"""The Nucleotide Transformer's tasks: cards, and FASTA with labels in the headers."""

import numpy as np
import polars as pl
import pytest

from genolightning.benchmarks.card import composed, read_card
from genolightning.benchmarks.labelled_fasta import read_labelled_fasta
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.config import help as words
from genolightning.errors import BadTable
from tests.helpers.make import write

TASKS = [name for name in words.choices("dataset") if name.startswith("nt_")]
FASTA = ">chr1:5-9|x|0\nACGT\nac\n>b|1\r\nNNNN\n\n>c|0\nTTTT\n"


def test_there_are_eighteen_tasks():
    assert len(TASKS) == 18


@pytest.mark.parametrize("name", TASKS)
def test_every_task_names_its_source_paper_and_rows(name):
    file = words.choices("dataset")[name]
    card = read_card(file)
    assert card.name == name
    assert all([card.source, card.licence, card.citation, card.bibtex])
    assert card.rows.keys() == {"train", "test"}
    assert f"{card.rows['train']:,} + {card.rows['test']:,} rows" in card.about
    assert composed(file)["train"] == f"nt/{name.removeprefix('nt_')}/train.parquet"
    assert len(card.classes) == (3 if card.kind == "multiclass" else 2)


def test_a_task_is_read_from_the_parquet_that_its_hub_has(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    (tmp_path / "nt").mkdir()
    frame = pl.DataFrame({"sequence": ["ACGT", "GGGG"], "name": ["a", "b"], "label": [1, 0], "task": ["t", "t"]})
    for split in ("train", "test"):
        frame.write_parquet(tmp_path / "nt" / f"{split}.parquet")
    task = LabelledTable(train="nt/train.parquet", test="nt/test.parquet", kind="binary", classes=["0", "1"])
    assert task.rows("test").target.tolist() == [1, 0]


def test_the_label_is_what_follows_the_last_bar(tmp_path):
    table = read_labelled_fasta(write(tmp_path / "a.fna", FASTA))
    assert table.columns["name"] == ["chr1:5-9|x", "b", "c"]
    assert table.columns["label"] == ["0", "1", "0"]
    assert table.columns["sequence"] == ["ACGTac", "NNNN", "TTTT"]


def test_rows_stand_at_the_lines_of_their_headers(tmp_path):
    table = read_labelled_fasta(write(tmp_path / "a.fna.gz", FASTA))
    lines = FASTA.split("\n")
    assert [lines[row - 1][0] for row in table.row.tolist()] == [">"] * 3
    assert np.array_equal(table.row, [1, 4, 7])


@pytest.mark.parametrize("header", [">b", ">b|", ">b| "])
def test_a_header_without_a_label_is_named_by_its_line(tmp_path, header):
    with pytest.raises(BadTable, match=r"a\.fna line 3: .*ends in no label"):
        read_labelled_fasta(write(tmp_path / "a.fna", f">a|1\nACGT\n{header}\nACGT\n"))


def test_a_file_that_is_no_fasta_is_refused(tmp_path):
    with pytest.raises(BadTable, match="wanted '>name|label'"):
        read_labelled_fasta(write(tmp_path / "a.fna", "sequence,label\n"))
