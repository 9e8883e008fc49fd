"""`genolightning datasets info`: facts for a reader and for a program, and the entry to cite."""

import json

import pytest

from tests.helpers.tiny import run


def test_facts_are_the_same_as_lines_and_as_json(capsys):
    assert run("datasets", "info", "gue_tf_0", "--json") == 0
    facts = json.loads("".join(capsys.readouterr()))
    assert run("datasets", "info", "gue_tf_0") == 0
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).splitlines()
    assert facts["name"] == "gue_tf_0"
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(facts)


def test_the_entry_to_cite_is_bibtex(capsys):
    assert run("datasets", "info", "gue_tf_0", "--bibtex") == 0
    text = "".join(capsys.readouterr()).strip()
    assert text.startswith("@")
    assert text.endswith("}")
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    ("words", "message"), [([], "info of which dataset?"), (["gue_tf_00"], "did you mean gue_tf_0?")]
)
def test_no_name_and_a_wrong_one_are_one_line(words, message, capsys):
    assert run("datasets", "info", *words) == 2
    printed = "".join(capsys.readouterr()).strip()
    assert message in printed
    assert "\n" not in printed
