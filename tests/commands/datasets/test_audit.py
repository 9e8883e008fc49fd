"""`datasets audit`: one JSON value, a table to read, and red only where it is due."""

import json
import subprocess
import sys

import pytest

from genolightning.commands.datasets import audit as datasets_audit
from genolightning.errors import UserError
from genolightning.report.audit_tables import coloured
from tests.helpers.make import sequence, write

KEYS = {
    "lookup_accuracy", "majority_accuracy", "length_accuracy", "composition_auc", "test_exact", "test_overlap",
    "duplicates_train", "duplicates_test", "cross_split_duplicates", "conflicting_labels", "by_class", "verdict",
    "reasons",
}  # fmt: skip


@pytest.fixture
def words(tmp_path) -> list[str]:
    """A table whose label is its length, as words after the verb."""
    rows = [f"{sequence(40 + n % 2, seed=n)},{n % 2}" for n in range(80)]
    for name, lines in (("train", rows[:50]), ("test", [rows[0], *rows[50:]])):
        write(tmp_path / f"{name}.csv", "\n".join(["sequence,label", *lines]))
    return ["table", f"dataset.train={tmp_path}/train.csv", f"dataset.test={tmp_path}/test.csv"]


def test_json_is_one_value_with_every_key(words, capsys):
    assert datasets_audit.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= KEYS
    assert (found["verdict"], found["length_accuracy"], found["cross_split_duplicates"]) == ("leaky", 1, 1)


def test_the_sheet_opens_with_the_verdict_and_says_why(words, capsys):
    datasets_audit.main(words)
    lines = capsys.readouterr().out.splitlines()
    assert "leaky" in lines[0]
    assert "length" in lines[1]
    assert "\033" not in "".join(lines)  # no terminal


def test_it_imports_neither_lightning_nor_torch(words):
    code = (
        "import sys; from genolightning.commands.datasets import main; main(sys.argv[1:]); "
        "print(sorted({'torch', 'lightning', 'transformers', 'wandb'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "audit", *words, "--json"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"


def test_the_verdict_is_red_on_a_terminal_unless_clean_or_unwanted(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert coloured("leaky").startswith("\033[1;31m")
    assert coloured("clean") == "clean"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("leaky", "the split is leaky") == "the split is leaky"


@pytest.mark.parametrize("asked", [["--split", "clean"], ["dataset.split=clean"]])
def test_a_clean_split_can_be_audited_by_name(asked, words, capsys):
    datasets_audit.main([*words, *asked, "--quick", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["split"].startswith("clean-")
    assert (found["cross_split_duplicates"], found["test_near"]) == (0, None)


def test_baselines_worth_beating_are_shown_on_request(words, capsys):
    datasets_audit.main([*words, "--baselines"])
    assert "nearest 6-mer neighbour" in capsys.readouterr().out


def test_a_dataset_that_is_none_is_refused_in_one_line():
    with pytest.raises(UserError, match="did you mean gb_human_enhancers_cohn"):
        datasets_audit.main(["gb_human_enhancers_con"])
