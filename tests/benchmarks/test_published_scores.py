import pytest

from genolightning.benchmarks.published_scores import COLUMNS, published
from genolightning.errors import BadTable
from tests.helpers.make import write

HEADER = ",".join(COLUMNS)


def test_shipped_scores_are_fractions_with_a_source():
    scores = published()
    assert len(scores) > 100
    assert all(-1 <= score.value <= 1 and score.source and score.protocol for score in scores)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("d,m,mcc,68.6,,,unknown,S,", "a score between -1 and 1 is wanted, found 68.6"),
        ("d,m,mcc,x,,,unknown,S,", "must be numbers"),
        ("d,,mcc,.5,,,unknown,S,", "row 1: model is empty"),
    ],
)
def test_a_faulty_score_names_file_and_row(tmp_path, row, message):
    write(tmp_path / "a.csv", f"{HEADER}\n{row}\n")
    with pytest.raises(BadTable, match=message):
        published(tmp_path)


def test_other_columns_are_refused(tmp_path):
    write(tmp_path / "a.csv", "dataset,value\n")
    with pytest.raises(BadTable, match="are wanted, found"):
        published(tmp_path)
