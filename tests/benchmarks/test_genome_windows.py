"""Windows over a genome: held out by chromosome, moved every epoch, few N in any."""

import numpy as np
import pytest

from genolightning.benchmarks.genome_windows import GenomeWindows
from genolightning.errors import GenomeMissing, UserError
from genolightning.genome.alphabet import N, decode
from tests.helpers.make import sequence, write_fasta

RECORDS = {
    "chr1": sequence(700, seed=1) + "N" * 200 + sequence(300, seed=2),
    "chr2": sequence(430, seed=3),
    "chr3": sequence(250, seed=4),
    "chrUn_a": sequence(90, seed=5),
    "chrUn_b": sequence(500, seed=6),
    "short": sequence(19, seed=7),
}


@pytest.fixture
def windows(tmp_path):
    """A maker of windows over a small genome; chr2 validates and chr3 tests."""
    fasta = write_fasta(tmp_path / "g.fa.gz", RECORDS)

    def make(**keys):
        own = {"window_bp": 40, "validation_chromosomes": ["chr2"], "test_chromosomes": ["3"]}
        return GenomeWindows(genome=str(fasta), **(own | keys))

    return make


def covered(windows, places):
    """(record, base) of every base in some windows."""
    names = windows.intervals(places).chrom
    return {(str(name), at) for name, start in zip(names, places.start, strict=True) for at in range(start, start + 40)}


def test_each_split_keeps_to_its_chromosomes(windows):
    made = windows()
    assert [made.chromosomes(split) for split in made.splits()] == [["chr1", "chrUn_a", "chrUn_b"], ["chr2"], ["chr3"]]
    for split in made.splits():
        places = made.epoch(1, 3) if split == "train" else made.base(split)
        assert {name for name, _ in covered(made, places)} == set(made.chromosomes(split))


def test_excluded_names_and_patterns_are_in_no_split(windows):
    assert windows(exclude_chromosomes=["chrUn_*"]).chromosomes("train") == ["chr1"]
    assert windows(exclude_chromosomes="1").chromosomes("train") == ["chrUn_a", "chrUn_b"]


def test_tiles_lie_end_to_end_and_hold_the_bases_of_the_fasta(windows):
    made = windows()
    places = made.base("validation")
    assert places.start.tolist() == list(range(0, 400, 40))
    codes = made.genome.gather(made.intervals(places))
    assert "".join(decode(row) for row in codes) == RECORDS["chr2"][:400]
    assert made.ids(places)[1] == "chr2:40-80"


def test_an_epoch_is_a_function_of_seed_and_epoch_and_always_as_long(windows):
    made = windows()
    first = made.epoch(1, 0)
    again, later, other = made.epoch(1, 0), made.epoch(1, 1), made.epoch(2, 0)
    assert np.array_equal(first.start, again.start)
    assert not np.array_equal(first.start, later.start)
    assert not np.array_equal(first.start, other.start)
    assert {len(made.epoch(1, epoch).start) for epoch in range(30)} == {len(made.base("train").start)}


def test_moved_tiles_share_no_base_but_where_a_record_ends_and_reach_every_base_in_time(windows):
    made = windows(exclude_chromosomes=["chr1"])
    seen = set()
    for epoch in range(60):
        places = made.epoch(1, epoch)
        found = covered(made, places)
        assert len(found) >= len(places.start) * 40 - 2 * 39
        seen |= found
    assert seen == {(name, at) for name in ("chrUn_a", "chrUn_b") for at in range(len(RECORDS[name]))}


@pytest.mark.parametrize("max_n", [0.0, 0.5])
@pytest.mark.parametrize("drawn", [None, 200])
def test_no_window_holds_more_n_than_is_allowed(windows, max_n, drawn):
    made = windows(max_n=max_n, windows_per_epoch=drawn, validation_chromosomes=["chr2"])
    most = 0
    for epoch in range(5):
        places = made.epoch(1, epoch)
        unknown = (made.genome.gather(made.intervals(places)).padded() == N).sum(axis=1)
        assert unknown.max() <= max_n * 40
        most = max(most, int(unknown.max()))
    assert (most > 0) == (max_n > 0)


def test_drawn_windows_come_from_every_place_alike(windows):
    made = windows(windows_per_epoch=6000, exclude_chromosomes=["chr1"])
    places = made.epoch(1, 0)
    names = made.intervals(places).chrom
    assert len(places.start) == 6000
    share = float((names == "chrUn_a").mean())
    assert abs(share - 51 / (51 + 461)) < 0.015
    assert {0, 50} <= set(places.start[names == "chrUn_a"].tolist()) <= set(range(51))


def test_an_evaluation_may_be_thinned_out_evenly(windows):
    starts = windows(evaluation_windows=4).base("validation").start
    assert starts.tolist() == [0, 120, 240, 360]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"validation_chromosomes": ["chr9"]}, "no record 'chr9'.*nearest: "),
        ({"test_chromosomes": []}, r"dataset\.test_chromosomes: name what is held out"),
        ({"test_chromosomes": ["chr2"]}, "chr2 is in validation and test"),
        ({"window_bp": 600}, "no window of 600 bp .* for validation"),
        ({"window_bp": 0}, r"dataset\.window_bp=0: wanted a whole number from 2 on"),
        ({"max_n": 7}, r"dataset\.max_n=7"),
        ({"kind": "binary"}, "causal_lm or masked_lm"),
        ({"genome": "absent.fa"}, "no genome"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path, keys, said):
    own = {"genome": str(write_fasta(tmp_path / "g.fa", RECORDS)), "window_bp": 40}
    own |= {"validation_chromosomes": ["chr2"], "test_chromosomes": ["chr3"]} | keys
    with pytest.raises((UserError, GenomeMissing), match=said):
        GenomeWindows(**own).prepare()
