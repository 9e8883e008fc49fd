"""GFF3 and GTF: features as intervals, and what is refused."""

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.genome.annotation import read_gff
from tests.helpers.make import write

GFF = (
    "##gff-version 3\n"
    "# a comment\n"
    "chr1\tmade\tchromosome\t1\t1000\t.\t.\t.\tID=chr1\n"
    "chr1\tmade\tgene\t11\t100\t.\t-\t.\tID=g1\n"
    "\n"
    "chr1\tmade\tCDS\t21\t30\t.\t-\t0\tParent=g1\n"
    "chr2\tmade\tCDS\t1\t1\t.\t.\t0\tParent=g2\n"
    "##FASTA\n>chr1\nACGT\n"
)


def test_positions_from_1_with_their_end_become_0_based_half_open(tmp_path):
    coding = read_gff(write(tmp_path / "a.gff3", GFF)).of_type("CDS")
    assert (coding.start.tolist(), coding.end.tolist()) == ([20, 0], [30, 1])
    assert (coding.chrom.tolist(), coding.strand.tolist()) == (["chr1", "chr2"], ["-", "+"])
    assert coding.line.tolist() == [6, 7]


def test_gzip_and_windows_line_ends_change_nothing(tmp_path):
    plain = read_gff(write(tmp_path / "a.gff3", GFF))
    other = read_gff(write(tmp_path / "b.gff3.gz", GFF.replace("\n", "\r\n")))
    assert np.array_equal(plain.intervals.start, other.intervals.start)
    assert plain.attributes.tolist() == other.attributes.tolist()


def test_gtf_is_read_the_same_way(tmp_path):
    line = 'chr1\tmade\texon\t5\t9\t.\t+\t.\tgene_id "a"; transcript_id "b";\n'
    exons = read_gff(write(tmp_path / "a.gtf", line)).of_type("exon")
    assert exons.lengths.tolist() == [5]


def test_landmarks_are_no_annotation(tmp_path):
    assert len(read_gff(write(tmp_path / "a.gff3", GFF)).annotated()) == 3


def test_a_type_that_is_not_there_is_told_with_those_that_are(tmp_path):
    with pytest.raises(BadTable, match=r"no feature of type 'exon'; its types are CDS, chromosome, gene"):
        read_gff(write(tmp_path / "a.gff3", GFF)).of_type("exon")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("chr1\tmade\tCDS\t1\t9\t.\t+\t.", "nine columns"),
        ("chr1 made CDS 1 9 . + . x", "nine columns"),
        ("chr1\tmade\tCDS\tone\t9\t.\t+\t.\tx", "whole number as start, column 4"),
        ("chr1\tmade\tCDS\t1\t\t.\t+\t.\tx", "whole number as end, column 5"),
        ("chr1\tmade\tCDS\t0\t9\t.\t+\t.\tx", "start of 1 or more"),
        ("chr1\tmade\tCDS\t9\t8\t.\t+\t.\tx", "not before the start"),
        ("chr1\tmade\tCDS\t1\t9\t.\t*\t.\tx", "strand"),
        ("\tmade\tCDS\t1\t9\t.\t+\t.\tx", "seqid in column 1"),
        ("chr1\tmade\t\t1\t9\t.\t+\t.\tx", "type in column 3"),
    ],
)
def test_a_faulty_row_is_named_by_its_line(tmp_path, line, told):
    good = "chr1\tmade\tCDS\t1\t9\t.\t+\t.\tx\n"
    with pytest.raises(BadTable, match=rf"a\.gff3 line 3: wanted .*{told}"):
        read_gff(write(tmp_path / "a.gff3", f"# first\n{good}{line}\n{good}"))


def test_a_file_without_features_is_refused(tmp_path):
    with pytest.raises(BadTable, match="no feature"):
        read_gff(write(tmp_path / "a.gff3", "##gff-version 3\n"))
