import numpy as np
import polars as pl
import pytest

from genolightning.benchmarks.text_table import TextTable, column, first_names, read_delimited, read_parquet
from genolightning.errors import BadTable
from tests.helpers.make import write


def test_csv_tsv_and_parquet_give_the_same_columns(tmp_path):
    comma = read_delimited(write(tmp_path / "a.csv", 'seq,label\n" AC ",1\n\nGT,0\n'))
    tab = read_delimited(write(tmp_path / "a.tsv", "seq\tlabel\nAC\t1\n\nGT\t0\n"))
    pl.DataFrame({"seq": ["AC", "GT"], "label": [1, 0], "image": [b"\xff", b"\xff"]}).write_parquet(tmp_path / "a.pq")
    parquet = read_parquet(tmp_path / "a.pq", (tmp_path / "a.pq").read_bytes())
    assert comma.columns == tab.columns == {"seq": ["AC", "GT"], "label": ["1", "0"]}
    assert {name: parquet.columns[name] for name in comma.columns} == comma.columns
    assert [comma.at(1), parquet.at(1)] == [f"{tmp_path / 'a.csv'} line 4", f"{tmp_path / 'a.pq'} row 2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1\n", "line 2: 1 fields where the header has 2"),
        ('a,b\n"1,2\n', "close every quote"),
        ("a,a\n1,2\n", "two columns are called 'a'"),
    ],
)
def test_a_table_that_is_none_names_its_line(tmp_path, text, message):
    with pytest.raises(BadTable, match=message):
        read_delimited(write(tmp_path / "a.csv", text))


def test_a_default_name_has_synonyms_and_a_given_one_has_none():
    table = TextTable({"SEQ": ["A"], "y": ["1"]}, np.array([2]), "a.csv")
    assert column(table, "sequence", "sequence") == ["A"]
    with pytest.raises(BadTable, match=r"no column 'dna'; it has SEQ, y; name yours: dataset.sequence=seq"):
        column(table, "dna", "sequence")


def test_many_names_are_cut_to_ten():
    assert first_names([str(n) for n in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... (12)"
