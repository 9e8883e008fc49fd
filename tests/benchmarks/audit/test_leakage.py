"""What is planted in a split is found by its audit, and the published datasets give their known figures."""

import numpy as np
import pytest

from genolightning.benchmarks.audit.kmer_baselines import kmer_baselines
from genolightning.benchmarks.audit.leakage import audit, leakage_verdict
from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.labelled_table import LabelledTable
from genolightning.errors import UserError
from genolightning.genome.alphabet import decode, reverse_complement
from genolightning.genome.codes import encode
from tests.helpers.make import sequence, write, write_fasta, write_gb_table

ROWS = [(sequence(80, seed=n), n % 2) for n in range(60)]
FRESH = [(sequence(80, seed=n + 500), n % 2) for n in range(40)]


def table_of(folder, train=ROWS, test=FRESH, **options) -> LabelledTable:
    for name, rows in (("train", train), ("test", test)):
        write(folder / f"{name}.csv", "sequence,label\n" + "".join(f"{s},{y}\n" for s, y in rows))
    return LabelledTable(train=folder / "train.csv", test=folder / "test.csv", **options)


def other_strand(letters: str) -> str:
    return decode(reverse_complement(encode([letters])[0]))


def intervals_of(folder, **rows) -> IntervalTables:
    """Interval tables of classes a and b; rows by `<class>_<split>`; the genome is not there."""
    for key, table in rows.items():
        label, split = key.split("_")
        write_gb_table(folder / split / f"{label}.csv.gz", table)
    return IntervalTables(name="made", folder=folder, kind="binary", classes=["a", "b"], assembly="nowhere")


def apart(count: int, *, chrom: str = "chr1", bp: int = 50, strand: str = "+") -> list[tuple]:
    return [(chrom, 100 * n, 100 * n + bp, strand) for n in range(count)]


def published(name: str, folder: str, classes=("negative", "positive"), **options) -> IntervalTables:
    kind = "binary" if len(classes) == 2 else "multiclass"
    return IntervalTables(name=name, folder=folder, kind=kind, classes=classes, assembly="GRCh38", **options)


def test_fresh_rows_leave_nothing_to_find(tmp_path):
    found = audit(table_of(tmp_path))
    assert (found.test_exact, found.cross_split_duplicates, found.conflicting_labels, found.test_near) == (0, 0, 0, 0)
    assert found.test_overlap is None
    assert found.lookup_accuracy is None


def test_repeats_are_counted_on_both_strands(tmp_path):
    again = [(ROWS[0][0], 0), (other_strand(ROWS[1][0]), 1), (ROWS[0][0], 0)]
    found = audit(table_of(tmp_path, train=[*ROWS, ROWS[5]], test=[*again, *FRESH]))
    assert found.duplicates_train == 1
    assert found.duplicates_test == 1
    assert found.cross_split_duplicates == 2
    assert found.test_exact == pytest.approx(3 / 43)
    assert found.conflicting_labels == 0


def test_the_same_sequence_under_two_labels_is_a_conflict(tmp_path):
    train = [*ROWS, (ROWS[4][0], 1)]
    found = audit(table_of(tmp_path, train=train, test=[(other_strand(ROWS[0][0]), 1), *FRESH]))
    assert (found.conflicting_labels, found.conflicting_train, found.conflicting_test) == (1, 1, 0)


def test_test_rows_nearly_in_train_show_in_their_bin(tmp_path):
    changed = ROWS[0][0][:40] + {"A": "C"}.get(ROWS[0][0][40], "A") + ROWS[0][0][41:]
    found = audit(table_of(tmp_path, test=[(changed, 0), *FRESH[1:]]))
    assert found.test_near == pytest.approx(1 / 40)
    assert found.similarity_to_train["0.95"] == pytest.approx(1 / 40)
    assert sum(found.similarity_to_train.values()) == pytest.approx(1)


def test_a_label_that_follows_base_composition_is_leaky(tmp_path):
    rows = [(sequence(60, seed=n, letters="ACGT" + "GC" * (n % 2)), n % 2) for n in range(200)]
    found = audit(table_of(tmp_path, train=rows[:150], test=rows[150:]))
    assert found.verdict == "leaky"
    assert "composition" in found.reasons[0]


def test_a_label_that_follows_length_is_leaky(tmp_path):
    rows = [(sequence(30 + 7 * (n % 2), seed=n), n % 2) for n in range(100)]
    found = audit(table_of(tmp_path, train=rows[:70], test=rows[70:]))
    assert found.length_accuracy == 1
    assert (found.verdict, "length" in found.reasons[0]) == ("leaky", True)


def test_interval_tables_are_audited_without_a_genome(tmp_path):
    found = audit(
        intervals_of(
            tmp_path,
            a_train=apart(20),
            a_test=[("chr1", 149, 160, "-"), ("1", 100, 150, "-"), ("chr9", 0, 50, "+"), ("chr1", 150, 200, "+")],
            b_train=apart(30, chrom="chr2"),
            b_test=apart(4, chrom="chr3"),
        )
    )
    assert found.test_overlap == pytest.approx(2 / 8)
    assert found.test_overlap_half == pytest.approx(1 / 8)
    assert found.test_exact == pytest.approx(1 / 8)
    assert found.by_class["a"]["test_overlap"] == pytest.approx(2 / 4)
    assert found.by_class["b"]["test_overlap"] == 0
    assert found.lookup_accuracy == pytest.approx(6 / 8)  # two of a by overlap, b is the class of rows that meet none
    assert (found.composition_auc, found.test_near) == (None, None)
    assert "intervals only" in found.notes[0]


def test_the_same_name_in_two_assemblies_is_another_chromosome(tmp_path):
    rows = {"a_train": apart(9, chrom="X"), "b_train": apart(9, chrom="chrX"), "a_test": apart(2, chrom="Y")}
    tables = intervals_of(tmp_path, **rows, b_test=apart(3, chrom="X"))
    assert audit(tables).by_class["b"]["test_overlap"] == 1
    both = {"a": "one", "b": "other"}
    tables = IntervalTables(name="made", folder=tmp_path, kind="binary", classes=["a", "b"], assembly=both)
    assert audit(tables).by_class["a"]["test_overlap"] == 0
    write_gb_table(tmp_path / "test" / "a.csv.gz", apart(2, chrom="chr7"))
    write_gb_table(tmp_path / "train" / "b.csv.gz", apart(9, chrom="7"))
    assert audit(tables).by_class["a"]["test_overlap"] == 0


def test_with_a_genome_bases_are_looked_at_too(tmp_path):
    rows = {f"{label}_{split}": apart(20, chrom=f"{label}{split}") for label in "ab" for split in ("train", "test")}
    tables = intervals_of(tmp_path, **rows)
    shared = sequence(50, seed=1)
    records = {f"{label}{split}": sequence(2000, seed=len(split)) for label in "a" for split in ("train", "test")}
    records |= {
        "btrain": shared + sequence(1950, seed=7),
        "btest": sequence(1900, seed=8) + other_strand(shared) + "ACGT",
    }
    write_gb_table(tmp_path / "test" / "b.csv.gz", [("btest", 1900, 1950, "+"), *apart(3, chrom="btest")])
    genome = write_fasta(tmp_path / "genome.fa", records)
    tables = IntervalTables(
        name="made", folder=tmp_path, kind="binary", classes=["a", "b"], assembly="x", genome=genome
    )
    found = audit(tables)
    assert found.notes == []
    assert found.cross_split_duplicates == 1
    assert found.by_class["b"]["test_exact"] == pytest.approx(1 / 4)
    assert found.composition_auc is not None


def test_a_genome_that_lacks_rows_does_not_shorten_the_audit(tmp_path):
    rows = {f"{label}_{split}": apart(20, chrom=label) for label in "ab" for split in ("train", "test")}
    intervals_of(tmp_path, **rows)
    genome = write_fasta(tmp_path / "genome.fa", {"a": sequence(3000, seed=1), "b": sequence(500, seed=2)})
    options = {"assembly": "x", "genome": genome, "missing": "drop"}
    found = audit(IntervalTables(name="made", folder=tmp_path, kind="binary", classes=["a", "b"], **options))
    assert found.rows == {"train": 40, "test": 40}
    assert found.test_exact == 1
    assert "intervals only" in found.notes[0]


@pytest.mark.parametrize("named", [True, False])
def test_ready_sequences_stand_in_for_the_genome_where_ids_tie_them_to_their_intervals(tmp_path, monkeypatch, named):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    for split in ("train", "test"):
        lines = ["seq\tlabel\tid" if named else "seq\tlabel"]
        for label in "ab":
            write_gb_table(tmp_path / "genomic_benchmarks" / "made" / split / f"{label}.csv.gz", apart(10, chrom=split))
            rows = [f"{sequence(50, seed=n)}\t{label}" + f"\t{n}" * named for n in range(10)]
            lines += reversed(rows)
        write(tmp_path / "sequences" / "made" / f"{split}.tsv.gz", "\n".join(lines))
    tables = IntervalTables(name="made", folder="made", kind="binary", classes=["a", "b"], assembly="nowhere")
    found = audit(tables)
    assert found.test_overlap == 0
    assert found.test_exact == (1 if named else 0)
    assert bool(found.notes) != named


def test_another_split_of_the_same_rows_has_an_audit_of_its_own(tmp_path):
    table = table_of(tmp_path, test=[ROWS[0], *FRESH])
    assert audit(table).cross_split_duplicates == 1
    assert audit(table, train=np.arange(1, 60), test=np.arange(61, 101), split="mine").cross_split_duplicates == 0


def test_numbers_as_targets_have_repeats_but_no_classes(tmp_path):
    rows = [(letters, n / 7) for n, (letters, _) in enumerate(ROWS)]
    found = audit(table_of(tmp_path, train=rows, test=rows[:6], kind="regression"))
    assert found.test_exact == 1
    assert (found.majority_accuracy, found.conflicting_labels, found.by_class) == (None, None, {})
    assert found.verdict == "leaky"


def test_a_table_without_a_test_file_has_no_split_to_audit(tmp_path):
    table = table_of(tmp_path)
    with pytest.raises(UserError, match=r"dataset\.test=FILE"):
        audit(LabelledTable(train=tmp_path / "train.csv", name=table.name))


@pytest.mark.parametrize(
    ("scores", "touched", "verdict"),
    [
        ({"lookup_accuracy": 0.6}, 0.0, "leaky"),
        ({"lookup_accuracy": 0.599}, 0.0, "suspect"),
        ({"length_accuracy": 0.529}, 0.0, "clean"),
        ({"composition_auc": 0.53}, 0.0, "suspect"),
        ({}, 0.1, "leaky"),
        ({}, 0.01, "suspect"),
        ({"lookup_accuracy": None, "length_accuracy": 0.3}, 0.009, "clean"),
    ],
)
def test_the_verdict_follows_its_thresholds(scores, touched, verdict):
    found, reasons = leakage_verdict(scores, 0.5, touched)
    assert found == verdict
    assert bool(reasons) == (verdict != "clean")


def test_accuracy_worth_beating_is_told_by_similarity(tmp_path):
    table = table_of(tmp_path, test=[*ROWS[:5], *FRESH])
    worth = kmer_baselines(table, np.arange(60), np.arange(60, 105), k=3)
    assert sum(one["rows"] for low, one in worth.items() if low != "all") == worth["all"]["rows"] == 45
    assert worth["1.00"] == {"rows": 5, "logistic": worth["1.00"]["logistic"], "neighbour": 1.0}


@pytest.mark.real_data
def test_human_nontata_promoters_is_leaky_by_look_up(data_root):
    found = audit(published("gb_human_nontata_promoters", "human_nontata_promoters"))
    assert found.lookup_accuracy == pytest.approx(0.997, abs=5e-4)
    assert found.majority_accuracy == pytest.approx(0.544, abs=5e-4)
    assert found.test_overlap == pytest.approx(0.4925, abs=5e-5)
    assert found.by_class["negative"]["test_overlap"] == pytest.approx(0.9956, abs=5e-5)
    assert found.by_class["positive"]["test_overlap"] == pytest.approx(0.071, abs=5e-4)
    assert found.by_class["negative"]["loci"] == pytest.approx(650, abs=5)
    assert found.verdict == "leaky"


@pytest.mark.real_data
def test_human_ensembl_regulatory_is_leaky_by_length(data_root):
    classes = ("enhancer", "ocr", "promoter")
    found = audit(published("gb_human_ensembl_regulatory", "human_ensembl_regulatory", classes))
    assert found.length_accuracy == pytest.approx(0.915, abs=5e-4)
    assert found.majority_accuracy == pytest.approx(0.370, abs=5e-4)
    assert found.lookup_accuracy == pytest.approx(0.370, abs=5e-4)
    assert found.verdict == "leaky"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "cross", "conflicts", "unique"),
    [
        ("prom_core_all", 42, 6, None),
        ("prom_core_notata", 29, 6, None),
        ("prom_300_tata", 6, 0, None),
        ("tf_4", 0, 0, 15211),
    ],
)
def test_gue_repeats_are_those_that_are_known(data_root, name, cross, conflicts, unique):
    paths = {split: f"gue/{name}/{file}.csv" for split, file in (("train", "train"), ("test", "test"))}
    found = audit(LabelledTable(name=f"gue_{name}", **paths), near=False)
    assert (found.cross_split_duplicates, found.conflicting_labels) == (cross, conflicts)
    if unique is not None:
        assert found.rows["train"] - found.duplicates_train == unique
