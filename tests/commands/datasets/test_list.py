"""`genolightning models` and `genolightning datasets ...`: what there is, on the shipped configs."""

import json
import sys
from types import SimpleNamespace

import pytest

from genolightning import cli
from genolightning.config import help as words


@pytest.fixture
def call(monkeypatch, capsys):
    """Call `genolightning ...` in this process; returns its exit code and what it printed."""

    def run(*given: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["genolightning", *given])
        code = cli.main()
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, lines=printed.err.splitlines())

    return run


@pytest.fixture
def one_whole_dataset(tmp_path, monkeypatch):
    """A data root that holds gue_tf_0 with a row or two, and nothing else."""
    folder = tmp_path / "data" / "gue" / "tf_0"
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.csv").write_text("sequence,label\nACGT,0\nGGGT,1\nTTTA,1\n")
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    return folder


@pytest.fixture
def only_two(monkeypatch):
    """Only two of the shipped datasets, so that the test need not build all."""
    files = {name: file for name, file in words.choices("dataset").items() if name in ("gue_tf_0", "gue_tf_1")}
    monkeypatch.setattr(words, "choices", lambda group, config_dir=None: files if group == "dataset" else {})


def test_every_dataset_of_the_configs_is_listed_with_what_it_is(call):
    rows = json.loads(call("datasets", "list", "--json").out)
    assert [row["name"] for row in rows] == list(words.choices("dataset"))
    assert [row["name"] for row in rows if not row["about"]] == []
    assert {row["kind"] for row in rows if row["name"].startswith("gb_")} <= {"binary", "multiclass"}


def test_tables_that_are_not_the_published_ones_are_not_usable(call, one_whole_dataset):
    told = call("datasets", "check", "gue_tf_0")
    assert (told.code, len(told.lines)) == (2, 1)
    assert "gue/tf_0/train.csv: wanted sha256" in told.lines[0]


def test_a_missing_dataset_is_not_and_says_what_to_fetch(call, one_whole_dataset):
    told = call("datasets", "check", "gue_tf_1", "--json")
    assert (told.code, len(told.lines)) == (2, 1)
    assert "gue_tf_1" in told.lines[0]
    assert json.loads(told.out)[0]["usable"] is False


def test_a_dataset_with_a_bad_row_is_not_usable(call, one_whole_dataset):
    (one_whole_dataset / "test.csv").write_text("sequence,label\nACGT,0\nAC!T,1\n")
    told = call("datasets", "check", "gue_tf_0")
    assert (told.code, len(told.lines)) == (2, 1)
    assert "test.csv" in told.lines[0]


def test_a_check_of_all_tells_the_usable_from_the_others(call, one_whole_dataset, only_two):
    told = call("datasets", "check", "--json")
    usable = {row["name"]: row["usable"] for row in json.loads(told.out)}
    assert told.code == 0
    assert usable == {"gue_tf_0": True, "gue_tf_1": False}


def test_info_counts_the_rows_of_each_class(call, one_whole_dataset):
    facts = json.loads(call("datasets", "info", "gue_tf_0", "--json").out)
    assert facts["splits"]["train"] == {"rows": 3, "classes": {"0": 1, "1": 2}}
    assert facts["card"]["licence"], "what the shared part says of the source is kept"
    assert "licence" in call("datasets", "info", "gue_tf_0").out


def test_info_of_a_missing_dataset_still_says_what_it_is(call, one_whole_dataset):
    told = call("datasets", "info", "gue_tf_1", "--json")
    facts = json.loads(told.out)
    assert (told.code, facts["whole"]) == (0, False)
    assert "gue_tf_1" in facts["problem"]


def test_models_are_counted_for_the_length_asked_for(call):
    def parameters(*given: str) -> dict[str, int]:
        return {row["model"]: row["parameters"] for row in json.loads(call("models", "--json", *given).out)}

    short, long = parameters(), parameters("--length-bp=500")
    assert list(short) == list(words.choices("model"))
    assert None not in short.values()
    assert short["cnn"] == 67_089, "the published count at 251 bp"
    assert long["cnn"] > short["cnn"], "its head has a fixed input"
    assert long["convnet"] == short["convnet"], "ours pools"


@pytest.mark.parametrize(
    "given",
    [["datasets"], ["datasets", "lst"], ["datasets", "info"], ["datasets", "info", "no_such"], ["models", "--jsn"]],
)
def test_a_mistake_in_an_ordinary_option_is_one_line(call, given):
    told = call(*given)
    assert (told.code, len(told.lines)) == (2, 1)


def test_a_dataset_of_the_user_s_own_is_listed_with_what_its_shared_part_says(call, tmp_path):
    (tmp_path / "dataset" / "base").mkdir(parents=True)
    (tmp_path / "dataset" / "base" / "shared.yaml").write_text("kind: regression")
    (tmp_path / "dataset" / "heir.yaml").write_text("# from a base\ndefaults: [base/shared@_here_, _self_]\nname: heir")
    rows = {row["name"]: row for row in json.loads(call("datasets", "list", "--json", f"--config-dir={tmp_path}").out)}
    assert rows["heir"] == {"name": "heir", "kind": "regression", "classes": None, "about": "from a base"}
    assert "base" not in rows
