import numpy as np
import pytest

from genolightning.benchmarks.build.negatives import content, draw_negatives
from genolightning.errors import UserError
from genolightning.genome.codes import encode
from genolightning.genome.intervals import Intervals
from genolightning.genome.overlaps import count_overlaps, linearize
from genolightning.genome.reference import Genome
from tests.helpers.make import sequence, write


@pytest.fixture
def genome(tmp_path) -> Genome:
    text = "".join(f">chr{n}\n{sequence(4000, seed=n)}\n" for n in (1, 2))
    return Genome(write(tmp_path / "g.fa", text), cache=tmp_path / "genomes")


def test_shares_of_gc_leave_out_unknown_bases():
    shares = content(encode(["GCAN", "AAAA"]))
    assert shares.gc.tolist() == [2 / 3, 0]
    assert shares.n.tolist() == [0.25, 0]
    assert content(encode(["GCAN", "AAAAA"])).gc.tolist() == shares.gc.tolist()


@pytest.mark.parametrize("match", [(), ("chromosome",)])
def test_negatives_are_as_long_as_their_positives_and_touch_nothing(genome, match):
    start = np.arange(10) * 300
    positives = Intervals(np.repeat(["chr1", "chr2"], 5), start % 1500, start % 1500 + 50 + np.arange(10))
    drawn = draw_negatives(positives, genome, avoid=Intervals(["chr1"], [2000], [2500]), match=match, seed=3)
    assert drawn.rows.tolist() == list(range(10))
    assert drawn.negatives.lengths.tolist() == positives.lengths.tolist()
    ours, taken, own = linearize(
        drawn.negatives, Intervals.concat([positives, Intervals(["chr1"], [2000], [2500])]), drawn.negatives
    )
    assert count_overlaps(ours, taken).max() == 0
    assert count_overlaps(ours, own).max() == 1
    if match:
        assert drawn.negatives.chrom.tolist() == positives.chrom.tolist()


def test_a_genome_without_room_is_an_error_that_names_the_longest(genome):
    with pytest.raises(UserError, match="no room for 1 of 1 negatives, such as one of 3900 bp"):
        draw_negatives(Intervals(["chr1"], [0], [3900]), genome, avoid=Intervals(["chr2"], [100], [4000]))
