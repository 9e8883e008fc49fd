"""Built datasets: negatives that touch nothing, lengths that match, splits that share no locus."""

import numpy as np
import pytest

from genolightning.benchmarks.build.dataset import build, write_tables
from genolightning.benchmarks.build.negatives import GC_WITHIN, content, draw_negatives
from genolightning.errors import OutOfChromosome, UserError
from genolightning.genome.codes import encode
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.overlaps import count_overlaps, linearize
from genolightning.genome.reference import Genome
from tests.helpers.make import sequence, write_fasta


@pytest.fixture
def genome(tmp_path):
    """Four chromosomes of 5 kb, a fifth of each N, and one with more G and C than the others."""
    records = {f"chr{i}": sequence(4000, seed=i) + "N" * 1000 for i in (1, 2, 3)}
    records["chr4"] = sequence(4000, seed=4, letters="ACCGGT") + "N" * 1000
    return Genome(write_fasta(tmp_path / "g.fa", records))


@pytest.fixture
def positives():
    """Sixty of 20 to 80 bp, some of them overlapping, on both strands."""
    random = np.random.default_rng(7)
    start = random.integers(0, 3900, 60)
    chrom = [f"chr{i}" for i in random.integers(1, 5, 60)]
    return Intervals(chrom, start, start + random.integers(20, 81, 60), random.choice(["+", "-"], 60))


def meet(queries: Intervals, targets: Intervals) -> np.ndarray:
    return count_overlaps(*linearize(queries, targets))


def test_content_is_the_same_for_equal_and_for_packed_rows():
    rows = ["ACGN", "NNNN", "GGGG"]
    one, other = content(encode(rows)), content(encode([*rows, "AC"]))
    assert one.gc.tolist() == other.gc[:3].tolist() == [2 / 3, 0, 1]
    assert one.n.tolist() == other.n[:3].tolist() == [0.25, 1, 0]


@pytest.mark.parametrize("match", [[], ["chromosome"], ["gc"], ["gc", "chromosome"]])
def test_negatives_are_as_long_as_positives_and_touch_nothing(genome, positives, match):
    avoid = Intervals(["chr1", "chr2"], [100, 200], [600, 400])
    drawn, rows = draw_negatives(positives, genome, avoid=avoid, match=match, seed=3)
    assert rows.tolist() == list(range(60))
    assert drawn.lengths.tolist() == positives.lengths.tolist()
    assert drawn.strand.tolist() == positives.strand.tolist()
    assert not meet(drawn, Intervals.concat([positives, avoid])).any()
    assert (meet(drawn, drawn) == 1).all(), "each meets itself only"
    assert (content(genome.gather(drawn)).n <= 0.1).all()
    assert not genome.placement(drawn).any()
    if "chromosome" in match:
        assert drawn.chrom.tolist() == positives.chrom.tolist()
    if "gc" in match:
        gc = [content(genome.gather(rows)).gc for rows in (positives, drawn)]
        assert np.abs(gc[0] - gc[1]).max() <= GC_WITHIN


def test_the_seed_alone_decides(genome, positives):
    def starts(seed: int) -> list[int]:
        return draw_negatives(positives, genome, avoid=positives, seed=seed).negatives.start.tolist()

    assert starts(1) == starts(1) != starts(2)


def test_every_free_place_is_as_likely_as_any_other(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"a": sequence(40), "b": sequence(20, seed=1)}))
    taken = Intervals(["a", "b"], [10, 0], [20, 5])
    one = Intervals(["a"], [10], [15])
    found = [draw_negatives(one, genome, avoid=taken, seed=seed).negatives for seed in range(1200)]
    places, counts = np.unique([(row.chrom[0], int(row.start[0])) for row in found], axis=0, return_counts=True)
    assert len(places) == 6 + 16 + 11
    assert counts.min() > 15
    assert counts.max() < 62, "about 36 each: four standard deviations of it"


def test_room_is_found_where_there_is_some_and_only_there(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"a": sequence(200)}))
    positives = Intervals(["a"] * 5, np.arange(5) * 20, np.arange(5) * 20 + 20)
    with pytest.raises(UserError, match="no room for 5 of 5"):
        draw_negatives(positives, genome, avoid=Intervals(["a"], [100], [190]), seed=1)
    drawn = draw_negatives(positives[:2], genome, avoid=positives, seed=1)
    assert drawn.negatives.start.min() >= 100


def test_positives_that_leave_no_room_are_one_line_that_names_one(genome):
    whole = Intervals(["chr1", "chr2"], [0, 0], [3000, 3000], source="a.bed", line=[1, 2])
    with pytest.raises(
        UserError, match=r"no room for . of 2 negatives, such as one of 3000 bp for a\.bed line 1"
    ) as told:
        draw_negatives(whole, genome, avoid=whole, match=["chromosome"])
    assert "\n" not in str(told.value)


def test_a_genome_of_n_leaves_no_room(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"a": "ACGT" * 10 + "N" * 500}))
    with pytest.raises(UserError, match="tried 20 times"):
        draw_negatives(Intervals(["a"], [0], [30]), genome, avoid=Intervals(["a"], [0], [40]))


def test_a_few_positives_unlike_any_free_stretch_are_left_out_and_many_are_an_error(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa", {"a": "G" * 100 + sequence(9900, letters="ACGT")}))
    start = np.concatenate([[0], np.arange(30) * 60 + 1000])
    rows = Intervals(["a"] * 31, start, start + 50)
    built = build(rows, genome, match=["gc"])
    assert built.dropped == {"like no free stretch in GC": 1}
    assert (len(built.positives), len(built.negatives)) == (30, 30)
    with pytest.raises(UserError, match="no room for 1 of 6"):
        build(rows[:6], genome, match=["gc"])


def test_repeats_and_rows_of_n_are_left_out_and_counted(genome):
    rows = Intervals(["chr1", "1", "chr1", "chr2"], [10, 10, 10, 4100], [60, 60, 61, 4200], ["+", "-", "+", "+"])
    rows = Intervals.concat([rows, Intervals(["chr3"], [0], [50])])
    built = build(rows, genome, test_fraction=0.5, seed=1)
    assert built.dropped == {"repeats an earlier one": 1, "more N than --max-n": 1}
    assert built.positives.chrom.tolist() == ["chr1", "chr1", "chr3"]


def test_windows_stand_round_the_middle_and_those_that_leave_the_chromosome_are_left_out(genome):
    rows = Intervals(["chr1", "chr2", "chr3"], [1000, 10, 2000], [1010, 20, 2011])
    built = build(rows, genome, length_bp=100, test_fraction=0.5)
    assert built.positives.start.tolist() == [955, 1955]
    assert set(built.positives.lengths.tolist()) == set(built.negatives.lengths.tolist()) == {100}
    assert built.dropped == {"window leaves the chromosome": 1}


@pytest.mark.parametrize("seed", range(5))
def test_a_random_split_shares_no_locus_and_keeps_its_share(genome, positives, seed):
    built = build(positives, genome, seed=seed)
    in_test = built.in_test[0]
    assert not meet(built.positives[in_test], built.positives[~in_test]).any()
    assert abs(in_test.mean() - 0.2) < 0.05
    assert (built.in_test[1] == in_test).all()


@pytest.mark.parametrize("match", [[], ["chromosome"]])
def test_a_chromosome_split_shares_no_chromosome(genome, positives, match):
    built = build(positives, genome, split="chromosome", match=match, test_fraction=0.25)
    sides = [
        {name for rows, mask in zip(built[:2], built.in_test, strict=True) for name in rows.chrom[mask == side]}
        for side in (False, True)
    ]
    assert not sides[0] & sides[1]
    assert all(mask.any() and not mask.all() for mask in built.in_test)


def test_one_chromosome_cannot_be_held_out(genome):
    rows = Intervals(["chr1", "chr1"], [0, 100], [50, 150])
    with pytest.raises(UserError, match="a side would lack a class"):
        build(rows, genome, split="chromosome", match=["chromosome"])


@pytest.mark.parametrize(
    ("chrom", "end", "told"), [("chr9", 50, "lacks .nearest: chr"), ("chr1", 5001, "outside its chromosome")]
)
def test_a_positive_that_the_genome_lacks_is_named(genome, chrom, end, told):
    rows = Intervals([chrom], [0], [end], source="a.bed", line=[4])
    with pytest.raises(OutOfChromosome, match=rf"a\.bed line 4: .*{told}"):
        build(rows, genome)


@pytest.mark.parametrize(
    "wrong",
    [{"match": ["length"]}, {"split": "half"}, {"max_n": 1.5}, {"test_fraction": 0.0}, {"length_bp": 0}],
)
def test_an_option_out_of_range_is_one_line(genome, positives, wrong):
    with pytest.raises(UserError, match="--"):
        build(positives, genome, **wrong)


def test_tables_read_back_as_what_was_built_and_the_same_seed_writes_the_same_bytes(genome, positives, tmp_path):
    built = build(positives, genome, seed=5)
    sums = write_tables(built, tmp_path / "one", ["no", "yes"], "g.fa")
    assert write_tables(build(positives, genome, seed=5), tmp_path / "two", ["no", "yes"], "g.fa") == sums
    parts = [read_gb_table(tmp_path / "one" / split / "yes.csv.gz") for split in ("train", "test")]
    order = np.argsort(np.concatenate([part.ids for part in parts]).astype(int))
    back = Intervals.concat([part.intervals for part in parts])[order]
    assert back.start.tolist() == built.positives.start.tolist()
    assert back.strand.tolist() == built.positives.strand.tolist()
