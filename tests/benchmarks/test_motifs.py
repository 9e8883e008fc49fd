"""Motifs: what was planted is there, nothing else separates the classes, and all files are written completely."""

import threading

import numpy as np
import pytest

from genolightning.benchmarks.motifs import CLOSE_BP, FAR_BP, MOTIF_BP, MOTIFS, PAIR, Motifs
from genolightning.errors import UserError
from genolightning.genome.alphabet import decode
from genolightning.genome.intervals import Intervals, read_bed, read_gb_table
from genolightning.genome.reference import Genome

FOUR = ["ETS", "GATA1", "OCT4", "SOX2"]


def spacings(rows):
    """Bases between the pair of each row, found in the sequence itself."""
    first, second = (MOTIFS[name] for name in PAIR)
    letters = [decode(row) for row in rows.codes]
    return [{j - i - MOTIF_BP for i in places(row, first) for j in places(row, second)} for row in letters]


def places(letters, motif):
    return [i for i in range(len(letters)) if letters.startswith(motif, i)]


def test_only_the_spacing_of_the_pair_tells_the_classes_apart():
    rows = Motifs().rows("test")
    for found, label in zip(spacings(rows), rows.target, strict=True):
        assert found & set(CLOSE_BP if label else FAR_BP)
    assert rows.target.mean() == 0.5


@pytest.mark.parametrize("generator_seed", [1, 2, 3])
def test_base_composition_says_nothing_about_the_class(generator_seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    motifs = Motifs(generator_seed=generator_seed)
    train, test = motifs.rows("train"), motifs.rows("test")
    matrices = [rows.codes.padded() for rows in (train, test)]
    shares = [np.stack([(codes == base).mean(axis=1) for base in range(4)], axis=1) for codes in matrices]
    model = LogisticRegression(C=1e6).fit(shares[0], train.target)
    assert 0.45 < roc_auc_score(test.target, model.decision_function(shares[1])) < 0.55


def test_the_bed_says_where_each_motif_lies_in_the_genome():
    motifs = Motifs()
    motifs.prepare()
    table = read_bed(motifs.root / "motifs.bed")
    codes = Genome(motifs.root / "genomes" / "motifs.fa").gather(table.intervals)
    assert [decode(row) for row in codes] == [MOTIFS[name.split("_")[0]] for name in table.ids]
    assert set(table.intervals.strand) == {"+", "-"}


def test_sites_are_counted_in_the_direction_of_their_window():
    motifs = Motifs()
    rows = motifs.rows("test")
    folder = motifs.root / "genomic_benchmarks" / "motifs" / "test"
    windows = Intervals.concat([read_gb_table(folder / f"{label}.csv.gz").intervals for label in motifs.classes])
    sites = motifs.sites(windows)
    assert len(sites.window) == 2 * len(rows.index)
    for window, start, name in list(zip(*sites, strict=True))[::50]:
        assert decode(rows.codes[window][start : start + MOTIF_BP]) == MOTIFS[name]


def test_the_regression_target_is_the_spacing():
    rows = Motifs(kind="regression", classes=[]).rows("test")
    assert rows.target.dtype == np.float32
    assert all(target in found for target, found in zip(rows.target, spacings(rows), strict=True))
    assert set(rows.target) == set(range(31))


def test_the_multilabel_target_says_which_motifs_are_there():
    rows = Motifs(kind="multilabel", classes=FOUR).rows("test")
    letters = [decode(row) for row in rows.codes]
    there = np.array([[MOTIFS[name] in row for name in FOUR] for row in letters])
    assert there[rows.target == 1].all()
    assert there[rows.target == 0].mean() < 0.01  # by chance alone
    assert 0.45 < rows.target.mean() < 0.55


def test_the_base_target_marks_whole_motifs():
    rows = Motifs(classes=["background", "motif"], resolution_bp=1).rows("test")
    letters = np.array([list(decode(row)) for row in rows.codes])
    assert rows.target.shape == letters.shape
    edges = np.diff(rows.target, axis=1, prepend=0, append=0)
    planted = {
        "".join(row[begin:end])
        for row, edge in zip(letters, edges, strict=True)
        for begin, end in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)
        if end - begin == MOTIF_BP
    }
    assert planted == set(MOTIFS.values())


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path, monkeypatch):
    first = Motifs().sha256("test")
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "elsewhere"))
    assert Motifs().sha256("test") == first
    assert not set(Motifs(generator_seed=2).sha256("test").values()) & set(first.values())


def test_two_writers_at_once_leave_one_whole_folder():
    motifs = Motifs()
    writers = [threading.Thread(target=Motifs().prepare) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [path.name for path in motifs.root.parent.iterdir() if path.is_dir()] == [motifs.root.name]
    assert len(motifs.rows("test").index) == 1500


def test_no_test_stretch_is_on_a_training_chromosome():
    motifs = Motifs()
    motifs.prepare()
    folder = motifs.root / "genomic_benchmarks" / "motifs"
    chrom = {
        split: {
            name
            for label in motifs.classes
            for name in read_gb_table(folder / split / f"{label}.csv.gz").intervals.chrom
        }
        for split in motifs.splits()
    }
    assert not chrom["train"] & chrom["test"]


def test_an_unknown_motif_prints_the_real_ones():
    with pytest.raises(UserError, match=r"no motif is called 'NRF1'; there are SOX2, OCT4"):
        Motifs(kind="multilabel", classes=["NRF1"])
