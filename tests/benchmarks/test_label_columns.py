import numpy as np
import pytest

from genolightning.benchmarks.label_columns import class_ids, class_strings, in_order, label_sets, strand_permutation
from genolightning.benchmarks.text_table import TextTable
from genolightning.errors import BadTable, UserError

TABLE = TextTable({}, np.array([2, 3, 4]), "t.csv")


def test_class_names_become_their_numbers_and_others_are_refused():
    assert class_ids(TABLE, ["b", "a", "b"], ["a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(BadTable, match="t.csv line 3: unknown label 'c'; the classes are a, b"):
        class_ids(TABLE, ["a", "c"], ["a", "b"])


def test_characters_are_padded_with_no_label():
    assert class_strings(TABLE, ["01", "1"], ["0", "1"], np.array([2, 1])).tolist() == [[0, 1], [1, -100]]


def test_a_cell_may_hold_several_labels_or_none():
    assert label_sets(TABLE, ["1,2", "", "2.0"], ["1", "2"]).tolist() == [[1, 1], [0, 0], [0, 1]]


def test_labels_are_sorted_as_numbers_where_all_are_numbers():
    assert in_order({"10", "9", "1"}) == ["1", "9", "10"]
    assert in_order({"10", "9", "x"}) == ["10", "9", "x"]


def test_the_other_strand_of_the_other_strand_is_the_same_class():
    classes = ["intergenic", "minus_cds", "plus_cds", "plus_utr", "minus_utr"]
    pairs = {"plus_cds": "minus_cds", "minus_cds": "plus_cds", "plus_utr": "minus_utr", "minus_utr": "plus_utr"}
    becomes = strand_permutation(classes, pairs)
    assert becomes == [0, 2, 1, 4, 3]
    assert [becomes[becomes[i]] for i in range(5)] == list(range(5))
    assert strand_permutation(classes, None) is None


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"plus": "minus"}, "plus becomes minus, but minus becomes minus; name both ways"),
        ({"plus": "minus", "minus": "plus", "none": "plus"}, "none becomes plus, but plus becomes minus"),
        ({"plus": "left"}, "'left', which is no class; the classes are none, plus, minus"),
    ],
)
def test_what_is_no_exchange_of_classes_is_refused(pairs, message):
    with pytest.raises(UserError, match=message):
        strand_permutation(["none", "plus", "minus"], pairs)
