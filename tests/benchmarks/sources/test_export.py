import numpy as np
import pytest

from genolightning.benchmarks.labelled_table import LabelledTable, read_table
from genolightning.benchmarks.sources.export import export, labels, write_csv, write_fasta, write_parquet, write_texts
from genolightning.errors import UserError
from genolightning.genome.codes import encode
from tests.helpers.make import write

TEXT = "sequence,label\nACGT,a\nGGN,b\n"


@pytest.mark.parametrize(("writer", "name"), [(write_csv, "csv"), (write_fasta, "fa"), (write_parquet, "parquet")])
def test_what_is_written_reads_back_as_it_was(tmp_path, writer, name):
    assert export(LabelledTable(train=write(tmp_path / "t.csv", TEXT)), ["train"], writer, tmp_path / "out") == {
        "train": 2
    }
    columns = read_table(tmp_path / "out" / f"train.{name}").columns
    assert (columns["sequence"], columns["label"]) == (["ACGT", "GGN"], ["a", "b"])


def test_texts_have_a_folder_a_class(tmp_path):
    export(LabelledTable(train=write(tmp_path / "t.csv", TEXT)), ["train"], write_texts, tmp_path / "out")
    assert (tmp_path / "out" / "train" / "b" / "1.txt").read_text() == "GGN"


def test_labels_that_no_text_can_hold_are_refused(tmp_path):
    columns = "sequence,x,y\nAC,1,0\nGT,,1\n"
    several = LabelledTable(train=write(tmp_path / "t.csv", columns), label=["x", "y"])
    with pytest.raises(UserError, match="some labels are unknown"):
        labels(several.rows("train").target, several, encode(["AC", "GT"]))
    assert labels(np.array([[1, 0], [1, 1]]), several, encode(["AC", "GT"])) == ["x", "x,y"]
