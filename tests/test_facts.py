"""Facts and kinds of targets: what is written, and that each kind agrees with itself."""

import pytest

from genolightning.errors import UserError
from genolightning.facts import BINARY, TARGET_KINDS, Facts, higher_is_better, target_kind


@pytest.mark.parametrize("kind", TARGET_KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_found_by_its_name_and_agrees_with_itself(kind):
    assert target_kind(kind.name) is kind
    assert sum((kind.class_targets, kind.real_targets, kind.language_model)) == 1
    assert kind.class_targets or not (kind.exclusive_classes or kind.label_axis)
    assert kind.outputs(["a", "b", "c"]) == {"binary": 1, "regression": 1}.get(
        kind.name, 4 if kind.language_model else 3
    )
    assert higher_is_better(kind.headline) != kind.language_model


def test_an_unknown_kind_names_those_there_are():
    with pytest.raises(UserError, match=r"dataset\.kind=binry: wanted binary, .* or masked_lm"):
        target_kind("binry")


def test_facts_written_before_the_new_keys_are_read_and_written_alike():
    old = {"kind": "binary", "classes": ["a", "b"], "length_bp": 9, "shortest_bp": 9, "rows": {"train": 3}}
    facts = Facts(**old)
    assert facts.target_kind is BINARY
    assert set(facts.as_dict()) == set(Facts._fields) - {"reverse_complement", "label_unit", "window_bp", "context_bp"}
    swapped = facts._replace(reverse_complement=[1, 0])
    assert swapped.as_dict()["reverse_complement"] == [1, 0]
    assert Facts(**swapped.as_dict()) == swapped
