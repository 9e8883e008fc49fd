"""Other splits keep groups together and classes in proportion, or raise an error if they cannot."""

import numpy as np
import pytest

from genolightning.benchmarks.audit.leakage import audit
from genolightning.benchmarks.audit.published_rows import read_published_rows
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.benchmarks.splits import assign, choose, groups
from genolightning.errors import UserError
from tests.helpers.make import sequence, write, write_gb_table

CLASSES = ("a", "b")


def leaky_tables(folder, *, loci: int = 200, copies: int = 4, **options) -> IntervalTables:
    """Class a in loci of overlapping rows that train and test share, class b on its own; six chromosomes."""
    rng = np.random.default_rng(0)
    start = np.repeat(np.arange(loci) * 1000, copies) + rng.integers(0, 100, loci * copies)
    rows = {
        "a": [(f"chr{at // 1000 % 6}", at, at + 200, "+") for at in start.tolist()],
        "b": [(f"chr{n % 6}", 500_000 + 300 * n, 500_200 + 300 * n, "-") for n in range(loci * copies)],
    }
    for label, table in rows.items():
        held = rng.random(len(table)) < 0.25
        for split, chosen in (("train", ~held), ("test", held)):
            write_gb_table(folder / split / f"{label}.csv.gz", [table[n] for n in np.flatnonzero(chosen)])
    return IntervalTables(name="made", folder=folder, kind="binary", classes=CLASSES, assembly="nowhere", **options)


def near_table(folder, *, validation: bool = False) -> LabelledTable:
    """Families of four near-duplicates spread over the files."""
    rng = np.random.default_rng(1)
    rows: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for family in range(120):
        letters = sequence(120, seed=family)
        for file in rng.choice(["train", "train", "test", "validation"], 4):
            place = int(rng.integers(0, 120))
            rows[file].append(f"{letters[:place]}A{letters[place + 1 :]},{family % 2}")
    for name, lines in rows.items():
        write(folder / f"{name}.csv", "\n".join(["sequence,label", *lines]))
    paths = {name: folder / f"{name}.csv" for name in (rows if validation else ("train", "test"))}
    return LabelledTable(**paths)


def test_the_original_split_is_what_was_published(tmp_path):
    tables = leaky_tables(tmp_path)
    made = assign(tables, "original")
    assert made.id == "original"
    assert (read_published_rows(tables).test[made.test]).all()
    assert not read_published_rows(tables).test[made.train].any()


@pytest.mark.parametrize("kind", ["clean", "chromosome"])
def test_every_row_is_on_one_side_and_no_locus_is_torn(tmp_path, kind):
    tables = leaky_tables(tmp_path)
    made = assign(tables, kind)
    rows = read_published_rows(tables)
    assert sorted([*made.train, *made.test]) == list(range(len(rows.test)))
    torn = rows.intervals.chrom if kind == "chromosome" else groups(rows)
    assert not set(torn[made.train].tolist()) & set(torn[made.test].tolist())
    assert audit(tables).verdict == "leaky"
    found = audit(tables, train=made.train, test=made.test, split=made.id)
    assert (found.test_overlap, found.verdict) == (0, "clean")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_classes_keep_their_test_rows_and_their_shares(tmp_path, seed):
    tables = leaky_tables(tmp_path)
    made = assign(tables, "clean", seed)
    rows = read_published_rows(tables)
    before = np.bincount(rows.target[rows.test])
    now = np.bincount(rows.target[made.test])
    assert (now >= np.minimum(before, 100)).all()
    assert abs(now.max() / now.sum() - before.max() / before.sum()) <= 0.05
    assert made.notes == []


def test_near_duplicates_stay_together(tmp_path):
    table = near_table(tmp_path)
    assert audit(table).test_near > 0.5
    made = assign(table, "clean")
    assert audit(table, train=made.train, test=made.test).test_near == 0


def test_validation_rows_that_are_like_test_rows_are_left_out(tmp_path):
    table = near_table(tmp_path, validation=True)
    made = assign(table, "clean")
    rows = read_published_rows(table, ["train", "test", "validation"])
    family = groups(rows)
    count = len(made.train) + len(made.test)
    assert 0 < len(made.validation) < rows.counts[2]
    assert not set(family[count:][made.validation].tolist()) & set(family[made.test].tolist())
    assert len(assign(table, "original").validation) == rows.counts[2]


def test_a_split_is_worked_out_once_and_its_id_stays(tmp_path, monkeypatch):
    tables = leaky_tables(tmp_path)
    first = assign(tables, "clean", 1)
    monkeypatch.setattr("genolightning.benchmarks.splits.groups", None)  # would fail if it were worked out again
    again = assign(tables, "clean", 1)
    assert first.id == again.id
    assert first.test.tolist() == again.test.tolist()
    assert first.id.startswith("clean-")


def test_ids_tell_seeds_and_kinds_apart_and_are_the_same_without_a_cache(tmp_path, monkeypatch):
    tables = leaky_tables(tmp_path)
    ids = {assign(tables, kind, seed).id for kind in ("clean", "chromosome") for seed in (1, 2)}
    assert len(ids) == 4
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "elsewhere"))
    assert {assign(tables, kind, seed).id for kind in ("clean", "chromosome") for seed in (1, 2)} == ids


def test_half_a_cached_file_is_worked_out_again(tmp_path):
    tables = leaky_tables(tmp_path)
    first = assign(tables, "clean")
    (file,) = (tmp_path / "cache" / "splits").glob("*.npz")
    file.write_bytes(file.read_bytes()[:200])
    assert assign(tables, "clean").id == first.id


def test_a_class_that_hangs_together_is_reported_not_dropped():
    group = np.concatenate([np.zeros(400, int), np.arange(1, 1601)])
    target = np.repeat([0, 1], [400, 1600])
    test, notes = choose(group, target, np.arange(2000) % 4 == 0, 1, classes=["lump", "dust"])
    assert "class lump: 0 test rows, 100 wanted" in notes[0]
    assert len(set(test[:400].tolist())) == 1


def test_few_large_groups_are_tried_in_many_orders():
    group = np.repeat(np.arange(5), [190, 290, 150, 210, 160])
    test, notes = choose(group, np.arange(1000) % 2, np.arange(1000) % 8 < 2, 1)
    assert notes == []
    assert 200 <= test.sum() <= 300


def test_chromosomes_of_sequences_without_coordinates_cannot_be_held_out(tmp_path):
    with pytest.raises(UserError, match="coordinates"):
        assign(near_table(tmp_path), "chromosome")


def test_ready_sequences_that_nothing_ties_to_their_intervals_are_not_split_again(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    for split in ("train", "test"):
        lines = [f"{sequence(50, seed=n)}\t{label}" for label in "ab" for n in range(10)]
        write(tmp_path / "sequences" / "made" / f"{split}.tsv", "\n".join(["seq\tlabel", *lines]))
        for label in "ab":
            rows = [("chr1", 100 * n, 100 * n + 50, "+") for n in range(10)]
            write_gb_table(tmp_path / "genomic_benchmarks" / "made" / split / f"{label}.csv.gz", rows)
    tables = IntervalTables(name="made", folder="made", kind="binary", classes=CLASSES, assembly="nowhere")
    with pytest.raises(UserError, match="no column id"):
        assign(tables, "clean")


def test_another_kind_of_split_is_refused(tmp_path):
    with pytest.raises(UserError, match="original, clean, chromosome"):
        assign(leaky_tables(tmp_path), "random")


@pytest.mark.real_data
def test_the_clean_split_of_human_nontata_promoters_leaves_look_up_nothing(data_root):
    classes = ["negative", "positive"]
    folder = "human_nontata_promoters"
    tables = IntervalTables(name="nontata", folder=folder, kind="binary", classes=classes, assembly="GRCh38")
    made = assign(tables, "clean")
    found = audit(tables, train=made.train, test=made.test, split=made.id)
    assert min(one["test"] for one in found.by_class.values()) >= 100
    assert found.majority_accuracy == pytest.approx(0.544, abs=0.05)
    assert found.lookup_accuracy == pytest.approx(found.majority_accuracy, abs=0.05)
    assert found.verdict == "clean"
