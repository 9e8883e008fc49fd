"""`datasets locate`: sequences in, an interval table out that our own reader takes."""

import json

import pytest

from genolightning.commands.datasets import locate as datasets_locate
from genolightning.errors import UserError
from genolightning.genome.intervals import read_bed, read_gb_table
from tests.helpers.make import plain_slice, sequence, write, write_fasta

RECORDS = {"chr1": sequence(900, seed=1), "chr2": (twice := sequence(60, seed=2)) + sequence(300, seed=3) + twice}


@pytest.fixture
def genome(tmp_path):
    return write_fasta(tmp_path / "genome.fa", RECORDS)


@pytest.fixture
def queries(tmp_path):
    rows = {
        "forward": RECORDS["chr1"][100:150],
        "backward": plain_slice(RECORDS, "chr1", 300, 371, "-"),
        "repeat": twice,
        "foreign": sequence(50, seed=77),
        "unknown": RECORDS["chr1"][10:40] + "N",
    }
    return write_fasta(tmp_path / "queries.fa.gz", rows)


def run(capsys, *words) -> dict:
    assert datasets_locate.main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_fasta_becomes_an_interval_table(tmp_path, capsys, genome, queries):
    facts = run(capsys, queries, "--genome", genome, "--output", tmp_path / "out.csv.gz")
    table = read_gb_table(tmp_path / "out.csv.gz")
    place = table.intervals
    assert table.ids.tolist() == ["forward", "backward", "repeat"]
    assert list(zip(place.chrom, place.start, place.end, place.strand, strict=True)) == [
        ("chr1", 100, 150, "+"),
        ("chr1", 300, 371, "-"),
        ("chr2", 0, 60, "+"),
    ]
    assert (facts["placed"], facts["unique"], facts["hits"]) == (3, 2, 4)
    assert (facts["repeated"], facts["unplaced"]) == ({"repeat": 2}, ["foreign", "unknown"])


def test_every_hit_is_written_on_request(tmp_path, capsys, genome, queries):
    run(capsys, queries, "--genome", genome, "--output", tmp_path / "out.csv", "--every-hit")
    table = read_gb_table(tmp_path / "out.csv")
    assert table.ids.tolist() == ["forward", "backward", "repeat", "repeat:2"]
    assert table.intervals.start[-1] == 360


def test_a_table_is_read_by_its_columns(tmp_path, capsys, genome):
    table = write(tmp_path / "rows.tsv", f"name\tseq\nx\t{RECORDS['chr1'][5:45]}\ny\t{RECORDS['chr2'][90:120]}\n")
    run(capsys, table, "--genome", genome, "--output", tmp_path / "out.csv.gz", "--id", "name")
    assert read_gb_table(tmp_path / "out.csv.gz").ids.tolist() == ["x", "y"]


def test_the_sheet_names_what_was_not_placed(tmp_path, capsys, genome, queries):
    datasets_locate.main([str(queries), "--genome", str(genome), "--output", str(tmp_path / "out.csv")])
    assert "unplaced: foreign, unknown" in capsys.readouterr().out


def test_an_output_of_another_kind_and_repeated_ids_are_refused_before_any_work(tmp_path, genome, queries):
    with pytest.raises(UserError, match=r"\.csv"):
        datasets_locate.main([str(queries), "--genome", str(genome), "--output", str(tmp_path / "out.gff")])
    table = write(tmp_path / "rows.csv", "id,seq\nx,ACGTACGTACGT\nx,ACGTACGTACGTA\n")
    words = [str(table), "--genome", str(genome), "--output", str(tmp_path / "out.csv"), "--id", "id"]
    with pytest.raises(UserError, match="'x' stands 2 times"):
        datasets_locate.main(words)
    assert not (tmp_path / "out.csv").exists()


def test_a_bed_holds_the_same_places_as_the_table_and_is_what_build_reads(tmp_path, capsys, genome, queries):
    for name in ("out.csv", "out.bed"):
        run(capsys, queries, "--genome", genome, "--output", tmp_path / name)
    table, bed = read_gb_table(tmp_path / "out.csv"), read_bed(tmp_path / "out.bed")
    assert bed.ids.tolist() == table.ids.tolist()
    for part in ("chrom", "start", "end", "strand"):
        assert getattr(bed.intervals, part).tolist() == getattr(table.intervals, part).tolist()
