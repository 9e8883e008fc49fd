"""What `datasets info` can show without network, tables or genome: the facts in the cards, held against the tables."""

import numpy as np
import pytest

from genolightning.benchmarks.audit.leakage import audit
from genolightning.benchmarks.card import DatasetCard, bibtex, composed, known_facts, read_card, shape_of
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.config import help as words
from genolightning.errors import UserError
from genolightning.genome.intervals import read_gb_table

FILES = words.choices("dataset")
PUBLISHED = [name for name in FILES if name.startswith(("gb_", "gue_", "nt_"))]
NINE = [name for name in FILES if name.startswith("gb_")]


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "nothing"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_dataset_can_be_cited(name):
    entry = bibtex(read_card(FILES[name]))
    assert entry.startswith("@")
    assert entry.count("{") == entry.count("}")
    for field in ("title", "author", "year"):
        assert f"\n  {field} = {{" in entry


def test_a_dataset_without_a_paper_says_so():
    with pytest.raises(UserError, match="mine: its card names no paper"):
        bibtex(DatasetCard("mine", ""))


@pytest.mark.parametrize("name", NINE)
def test_counts_rows_and_table_1_agree_with_each_other(name, no_data):
    card = read_card(FILES[name])
    facts = known_facts(card)
    assert {split: sum(counts.values()) for split, counts in facts["counts"].items()} == card.rows
    assert all(list(counts) == card.classes for counts in facts["counts"].values())
    assert facts["table1"]["sequences"] == sum(card.rows.values())
    assert facts["table1"]["classes"] == len(card.classes)
    assert facts["audit"]["verdict"] in ("clean", "suspect", "leaky")


def test_table_1_of_the_regulatory_dataset_is_the_papers(no_data):
    assert known_facts(read_card(FILES["gb_human_ensembl_regulatory"]))["table1"] == {
        "sequences": 289_061,
        "classes": 3,
        "ratio": 1.22,
        "median_bp": 401,
        "sd_bp": 184.3,
        "min_bp": 71,
        "max_bp": 802,
    }


def test_the_shape_is_that_of_all_rows_together():
    shape = shape_of({"a": np.full(30, 100), "b": np.full(10, 200)})
    assert (shape["ratio"], shape["median_bp"], shape["max_bp"]) == (3.0, 100.0, 200)
    assert shape["sd_bp"] == round(100 * (0.75 * 0.25) ** 0.5, 1)


@pytest.mark.real_data
@pytest.mark.parametrize("name", NINE)
def test_cards_say_what_the_tables_hold(name, data_root):
    card = read_card(FILES[name])
    folder = data_root / "genomic_benchmarks" / name.removeprefix("gb_")
    lengths = {
        (split, label): read_gb_table(folder / split / f"{label}.csv.gz").intervals.lengths
        for split in ("train", "test")
        for label in card.classes
    }
    assert card.counts == {
        split: {label: len(lengths[split, label]) for label in card.classes} for split in ("train", "test")
    }
    both = {label: np.concatenate([lengths["train", label], lengths["test", label]]) for label in card.classes}
    assert card.table1 == shape_of(both)


@pytest.mark.real_data
@pytest.mark.parametrize("name", NINE)
def test_cards_say_what_the_audit_of_the_tables_finds(name, data_root):
    facts = composed(FILES[name])
    tables = IntervalTables(**{key: facts[key] for key in ("name", "folder", "kind", "classes", "assembly")})
    found = audit(tables, near=False)
    for key, said in facts["card"]["audit"].items():
        value = getattr(found, key)
        assert said == (value if isinstance(value, str) else pytest.approx(value, abs=1e-4)), key
