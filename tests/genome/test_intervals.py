"""Interval tables: what is read, and what is refused with file and line."""

import numpy as np
import pytest

from genolightning.errors import BadTable
from genolightning.genome.intervals import Intervals, read_bed, read_gb_table
from tests.helpers.make import GB_HEADER, write, write_bed, write_gb_table

ROWS = [("chr2", 5, 55, "-"), ("1", 0, 50, "+"), ("chr1", 7, 9, "."), ("chrM", 1, 2, "")]


def refused(read, path):
    with pytest.raises(BadTable) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["positive.csv", "positive.csv.gz"])
def test_a_table_comes_back_as_it_was_written(tmp_path, name):
    table = read_gb_table(write_gb_table(tmp_path / name, ROWS, ids=["FP0001", "7", "b", "c"]))
    read = table.intervals
    assert list(zip(read.chrom, read.start, read.end, strict=True)) == [row[:3] for row in ROWS]
    assert table.ids.tolist() == ["FP0001", "7", "b", "c"]
    assert read.line.tolist() == [2, 3, 4, 5]


def test_a_dot_and_no_strand_are_the_forward_strand(tmp_path):
    assert read_gb_table(write_gb_table(tmp_path / "a.csv", ROWS)).intervals.strand.tolist() == ["-", "+", "+", "+"]
    assert read_gb_table(write_gb_table(tmp_path / "b.csv", ROWS[1:])).intervals.strand is None


def test_line_ends_blank_lines_and_quotes_do_not_change_a_table(tmp_path):
    plain = write_gb_table(tmp_path / "plain.csv", ROWS)
    quoted = '"' + plain.read_text().strip().replace(",", '","').replace("\n", '"\r\n\r\n"') + '"\r\n\r\n'
    other = read_gb_table(write(tmp_path / "other.csv", quoted))
    for ours, theirs in zip(read_gb_table(plain).intervals.chrom, other.intervals.chrom, strict=True):
        assert ours == theirs
    assert other.intervals.line.tolist() == [3, 5, 7, 9]


@pytest.mark.parametrize(
    ("row", "wanted", "found"),
    [
        ("x,chr1,-5,10,+", "a start of 0 or more", "-5"),
        ("x,chr1,10,10,+", "the interval is empty", "10,10"),
        ("x,chr1,10,4,+", "the interval is empty", "10,4"),
        ("x,chr1,1.0,4,+", "a whole number as start", "1.0"),
        ("x,chr1,1,4e2,+", "a whole number as end", "4e2"),
        ("x,chr1,,4,+", "a whole number as start", "''"),
        ("x,chr1,1,99999999999999999999,+", "a whole number as end", "99999999999999999999"),
        ("x,chr1,1,4,forward", "a strand of", "forward"),
        ("x,,1,4,+", "the name of a chromosome", "x,,1,4,+"),
        (",chr1,1,4,+", "an id", "''"),
        ("x,chr1,1,4", "5 fields", "x,chr1,1,4"),
        ("x,chr1,1,4,+,extra", "5 fields", "extra"),
        ("0,chr1,1,4,+", "an id that no earlier row has", "'0'"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_what_stands_there(tmp_path, row, wanted, found):
    path = write(tmp_path / "class.csv.gz", f"{GB_HEADER}\n0,chr1,0,5,+\n{row}\n2,chr1,0,5,+\n")
    message = refused(read_gb_table, path)
    assert "line 3" in message
    assert wanted in message
    assert found in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (GB_HEADER + "\n", "no row"),
        ("id,chrom,start,end,strand\n0,chr1,0,5,+\n", "found id,chrom,start,end,strand"),
        ("id,region,start,end\n0,chr1,0,5\n", "wanted the columns id,region,start,end,strand"),
        (GB_HEADER + '\n0,"chr1,2",0,5,+\n', "quoted"),
    ],
)
def test_a_table_without_its_columns_or_rows_is_refused(tmp_path, text, reason):
    assert reason in refused(read_gb_table, write(tmp_path / "class.csv", text))


def test_a_bed_of_any_width_reads_like_the_table_of_the_same_intervals(tmp_path):
    for width in (3, 4, 5, 6):
        rows = [(chrom, start, end, f"n{start}", 0, strand)[:width] for chrom, start, end, strand in ROWS[:2]]
        table = read_bed(write_bed(tmp_path / f"{width}.bed.gz", rows))
        assert table.intervals.chrom.tolist() == ["chr2", "1"]
        assert table.intervals.lengths.tolist() == [50, 50]
        assert table.ids.tolist() == (["0", "1"] if width == 3 else ["n5", "n0"])
        assert (table.intervals.strand is not None) == (width == 6)


def test_bed_headers_are_skipped_but_keep_their_line_numbers(tmp_path):
    text = 'track name="x"\nbrowser position chr1:1-9\n# note\nchr1\t0\t5\n\nchr1 _\t1\n'
    assert "line 6" in refused(read_bed, write(tmp_path / "bad.bed", text))
    good = read_bed(write(tmp_path / "good.bed", text.replace("chr1 _\t1", "track1\t3\t4")))
    assert good.intervals.line.tolist() == [4, 6]
    assert good.intervals.chrom.tolist() == ["chr1", "track1"]


def test_a_bed_may_be_separated_by_blanks_and_may_repeat_names(tmp_path):
    table = read_bed(write(tmp_path / "a.bed", "chr1 0 5 .\nchr1  5   9 .\n"))
    assert table.intervals.end.tolist() == [5, 9]
    assert table.ids.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# only a note\n", "no interval"),
        ("chr1\t5\n", "3 to 6 columns"),
        ("chr1\t5\t9\nchr1\t5\n", "line 2"),
        ("chrom\tstart\tend\nchr1\t5\t9\n", "line 1"),
        ("chr1\t9\t5\n", "empty"),
        ("chr1\t1\t5\ta\t0\t*\n", "a strand of"),
    ],
)
def test_a_bad_bed_is_refused(tmp_path, text, reason):
    assert reason in refused(read_bed, write(tmp_path / "bad.bed", text))


def test_rows_taken_and_put_together_again_are_the_same_rows():
    whole = Intervals(["a", "b", "c"], [1, 2, 3], [5, 6, 7], ["+", "-", "+"], "t.csv", [2, 3, 4])
    order = np.array([2, 0])
    again = Intervals.concat([whole[order], whole[1:2]])
    assert again.chrom.tolist() == ["c", "a", "b"]
    assert again.strand.tolist() == ["+", "+", "-"]
    assert (again.source, again.line.tolist()) == ("t.csv", [4, 2, 3])
    assert len(Intervals.concat([])) == 0


def test_rows_of_two_files_name_no_line_that_could_be_the_other_files():
    both = Intervals.concat([Intervals(["a"], [0], [1], None, "x", [2]), Intervals(["b"], [0], [1], ["-"], "y", [2])])
    assert (both.source, both.line) == ("", None)
    assert both.strand.tolist() == ["+", "-"]
