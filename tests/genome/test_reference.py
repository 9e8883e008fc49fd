"""Genome: the same bases as plain Python slices, whatever the file, the order, the process."""

import hashlib
import multiprocessing
import os
import pickle
import resource
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from genolightning.errors import BadTable, GenomeMissing, OutOfChromosome, UserError
from genolightning.genome import fasta as fasta_room
from genolightning.genome.alphabet import decode
from genolightning.genome.intervals import Intervals, read_gb_table
from genolightning.genome.reference import Genome
from tests.helpers.make import plain_slice, sequence, tiny_genome, write, write_bgzip, write_fasta, write_gb_table


def random_intervals(records, n, *, seed=0, length=None):
    rng = np.random.default_rng(seed)
    names = rng.choice(list(records), n)
    sizes = np.array([len(records[name]) for name in names])
    lengths = rng.integers(1, sizes + 1) if length is None else np.full(n, length)
    starts = rng.integers(0, sizes - lengths + 1)
    return Intervals(names, starts, starts + lengths, rng.choice(["+", "-"], n))


def slices(records, intervals):
    strands = intervals.strand if intervals.strand is not None else ["+"] * len(intervals)
    rows = zip(intervals.chrom, intervals.start, intervals.end, strands, strict=True)
    return [plain_slice(records, *row) for row in rows]


def letters(codes):
    return [decode(row) for row in codes]


@pytest.mark.parametrize("width", [60, 7, 100_000])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["g.fa", "g.fa.gz", "g.fa.bgz"])
@pytest.mark.parametrize("chunk", [13, 1 << 22])
def test_every_kind_of_fasta_gives_the_same_bases(tmp_path, monkeypatch, width, newline, name, chunk):
    monkeypatch.setattr(fasta_room, "CHUNK_BYTES", chunk)
    path = write_fasta(tmp_path / name, width=width, newline=newline)
    if name.endswith(".bgz"):
        write_bgzip(path, path.read_text())
    records = tiny_genome()
    whole = Intervals(list(records), [0] * 4, [len(letters) for letters in records.values()])
    genome = Genome(path)
    assert genome.lengths == {name: len(letters) for name, letters in records.items()}
    assert letters(genome.gather(whole)) == slices(records, whole)


@pytest.mark.parametrize("length", [1, 8, 50, 119, None])
def test_a_gather_equals_plain_slices_on_both_strands_in_any_order(tmp_path, length):
    records = tiny_genome()
    intervals = random_intervals(records, 200, length=length)
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    assert letters(genome.gather(intervals)) == slices(records, intervals)
    backward = intervals[intervals.strand == "-"]
    assert letters(genome.gather(backward)) == slices(records, backward)
    forward = Intervals(intervals.chrom, intervals.start, intervals.end)
    assert letters(genome.gather(forward)) == slices(records, forward)


def test_equal_lengths_make_a_matrix_and_unequal_lengths_are_packed(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    assert genome.gather(Intervals(["chr1"] * 3, [0, 5, 9], [10, 15, 19])).padded().shape == (3, 10)
    packed = genome.gather(Intervals(["chr1"] * 2, [0, 5], [10, 8]))
    assert packed.offsets.tolist() == [0, 10, 13]
    assert len(genome.gather(Intervals([], [], []))) == 0


def test_what_was_gathered_may_be_changed_without_changing_the_genome(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    interval = Intervals(["chr1"], [3], [40])
    genome.gather(interval).values[:] = 5
    assert 5 not in genome.gather(interval).values


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("1", "chr1"),
        ("Chr1", "chr1"),
        ("MT", "chrM"),
        ("M", "chrM"),
        ("mitochondrion_genome", "chrM"),
        ("chrMT", "chrM"),
        ("ENST00000217185", "ENST00000217185.11"),
    ],
)
def test_other_spellings_of_a_name_read_the_same_record(tmp_path, asked, meant):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    there = Intervals([asked, meant], [3, 3], [30, 30])
    assert genome.placement(there).tolist() == [0, 0]
    ours, theirs = genome.gather(there)
    assert (ours == theirs).all()


def test_chr_names_find_records_named_without_chr(tmp_path):
    records = {"1": "AAAA", "mitochondrion_genome": "CCCC", "IV": "GGGG"}
    genome = Genome(write_fasta(tmp_path / "g.fa", records))
    assert letters(genome.gather(Intervals(["chr1", "chrM", "IV"], [0, 0, 0], [4, 4, 4]))) == list(records.values())


def test_exact_names_win_and_a_spelling_that_could_mean_two_records_means_none(tmp_path):
    records = {"chr1": "AAAA", "1": "CCCC", "ENST0001.1": "GGGG", "ENST0001.2": "TTTT"}
    genome = Genome(write_fasta(tmp_path / "g.fa", records))
    asked = Intervals(["1", "chr1", "Chr1", "ENST0001", "ENST0001.2"], [0] * 5, [4] * 5)
    assert genome.placement(asked).tolist() == [0, 0, 1, 1, 0]
    assert letters(genome.gather(asked[np.array([0, 1, 4])])) == ["CCCC", "AAAA", "TTTT"]


def test_another_version_of_a_transcript_is_not_the_one_asked_for(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    assert genome.placement(Intervals(["ENST00000217185.12"], [0], [5])).tolist() == [1]


def test_outside_tells_an_absent_chromosome_from_an_end_too_far(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    size = genome.lengths["chr1"]
    asked = Intervals(["chr1", "chr9", "1", "chr1"], [0, 0, -1, 5], [size, 5, 5, size + 1])
    assert genome.placement(asked).tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("chr1", 990, 1001, "+"), ("chr1:990-1001", "1000 bp")),
        (("chr11", 0, 5, "-"), ("chr11:0-5", "lacks", "chr1")),
    ],
)
def test_an_interval_outside_the_genome_is_refused_with_file_and_line(tmp_path, row, said):
    path = write_gb_table(tmp_path / "positive.csv.gz", [("chr1", 0, 5, "+"), row])
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    with pytest.raises(OutOfChromosome) as caught:
        genome.gather(read_gb_table(path).intervals)
    for part in (str(path), "line 3", str(genome.fasta), *said):
        assert part in str(caught.value)


def test_negative_starts_never_wrap_round_and_empty_intervals_never_pass(tmp_path):
    genome = Genome(write_fasta(tmp_path / "g.fa"))
    with pytest.raises(OutOfChromosome, match="interval 1: chr2:-5-5"):
        genome.gather(Intervals(["chr2"], [-5], [5]))
    with pytest.raises(BadTable, match="interval 2: chr2:9-9 is empty"):
        genome.gather(Intervals(["chr2", "chr2"], [5, 9], [9, 9]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("ACGT\n>a\nACGT\n", "is not a FASTA"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not a FASTA"),
        (">a\nACGT\n>a again\nACGT\n", "the name a occurs twice"),
        (">a\nACGT\n>b\n>c\nAC\n", "record b"),
        (">a\nACGT\n>b", "record b"),
        (">a\nACGT\n> \nAC\n", "record 2"),
        (">a\nACGT\n>b\nACGT\nACX\n", "line 5: 'X' in record b"),
        (">a\nAC>GT\n", "line 2: '>' in record a"),
        (b">a\nAC\x00GT\n", "line 2"),
        (b">\xff\nACGT\n", "UTF-8"),
    ],
)
def test_what_is_no_sound_fasta_is_refused_and_leaves_no_cache(tmp_path, text, said):
    path = write(tmp_path / "bad.fa", text)
    with pytest.raises(BadTable) as caught:
        Genome(path, cache=tmp_path / "genomes")
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert not list((tmp_path / "genomes").glob("*.codes")) + list((tmp_path / "genomes").glob(".part*"))


def test_a_truncated_gzip_is_refused_and_leaves_no_cache(tmp_path):
    path = write_fasta(tmp_path / "g.fa.gz", {"chr1": sequence(50_000)})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadTable, match="truncated"):
        Genome(path, cache=tmp_path / "genomes")
    assert not list((tmp_path / "genomes").glob("*.codes"))


def test_a_missing_genome_says_what_to_do(tmp_path):
    with pytest.raises(GenomeMissing, match=r"dataset\.genome=FILE"):
        Genome(tmp_path / "hg38.fa.gz")


def test_nothing_is_written_beside_the_fasta(tmp_path):
    path = write_fasta(tmp_path / "reference" / "g.fa")
    Genome(path).gather(Intervals(["chr1"], [0], [9]))
    assert list(path.parent.iterdir()) == [path]


def test_the_key_is_the_content_so_a_copy_shares_the_cache_and_a_change_rebuilds(tmp_path, monkeypatch):
    path = write_fasta(tmp_path / "g.fa")
    first = Genome(path)
    assert first.key == hashlib.sha256(path.read_bytes()).hexdigest()
    write_fasta(path, {"chr1": "TTTT"})
    changed = Genome(path)
    assert (changed.key != first.key, changed.lengths) == (True, {"chr1": 4})
    monkeypatch.setattr("genolightning.genome.reference.encode_fasta", None)
    assert Genome(write_fasta(tmp_path / "copy.fa")).lengths == first.lengths


def test_an_unchanged_fasta_is_neither_read_nor_hashed_again(tmp_path, monkeypatch):
    path = write_fasta(tmp_path / "g.fa")
    key = Genome(path).key
    for reader in ("encode_fasta", "sha256"):
        monkeypatch.setattr(f"genolightning.genome.reference.{reader}", None)
    assert Genome(path).key == key


@pytest.mark.parametrize("victim", ["codes", "json"])
def test_a_damaged_cache_is_rebuilt(tmp_path, victim):
    path = write_fasta(tmp_path / "g.fa")
    genome = Genome(path, cache=tmp_path / "genomes")
    interval = Intervals(["chr1"], [100], [400])
    bases = genome.gather(interval).values
    for damage in (lambda file: file.write_bytes(file.read_bytes()[:-1]), lambda file: file.unlink()):
        damage(tmp_path / "genomes" / f"{genome.key}.{victim}")
        assert (Genome(path, cache=tmp_path / "genomes").gather(interval).values == bases).all()


@contextmanager
def disk_of(size):
    """Files cannot grow beyond `size` bytes: writes fail half-way, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_that_could_be_taken_for_whole(tmp_path):
    cache = tmp_path / "genomes"
    path = write_fasta(tmp_path / "g.fa", {"chr1": sequence(300_000)})
    with disk_of(100_000), pytest.raises(UserError, match=r"cannot be written: .* GENOLIGHTNING_CACHE"):
        Genome(path, cache=cache)
    assert not list(cache.glob("*.codes")) + list(cache.glob("*.json")) + list(cache.glob(".part*"))
    assert Genome(path, cache=cache).lengths == {"chr1": 300_000}


def test_a_build_that_was_killed_is_swept_away_by_the_next(tmp_path):
    path = write_fasta(tmp_path / "g.fa")
    key = hashlib.sha256(path.read_bytes()).hexdigest()
    left_over = write(tmp_path / "genomes" / f".part-0123456789ab-{key}.codes", "half")
    Genome(path, cache=tmp_path / "genomes")
    assert not left_over.exists()


def read_in_worker(genome, intervals):
    return os.getpid(), genome.gather(intervals).values


def open_in_worker(path, intervals):
    return Genome(path).gather(intervals)


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_two_workers_read_the_bases_that_their_parent_read(tmp_path, start):
    records = {"chr1": sequence(200_000), "chr2": sequence(100_000, seed=1)}
    genome = Genome(write_fasta(tmp_path / "g.fa", records))
    intervals = random_intervals(records, 400, length=300)
    bases = genome.gather(intervals).values
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(start)) as pool:
        answers = [pool.submit(read_in_worker, genome, intervals) for _ in range(20)]
        for answer in answers:
            worker, theirs = answer.result()
            assert worker != os.getpid()
            assert (theirs == bases).all()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_that_start_together_build_one_cache(tmp_path):
    records = {"chr1": sequence(100_000)}
    path = write_fasta(tmp_path / "g.fa.gz", records)
    intervals = random_intervals(records, 20, length=100)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
        answers = list(pool.map(open_in_worker, [path] * 6, [intervals] * 6))
    assert [letters(answer) for answer in answers] == [slices(records, intervals)] * 6


def test_a_pickled_genome_serves_the_same_bases_after_the_fasta_was_replaced(tmp_path):
    path = write_fasta(tmp_path / "g.fa")
    genome = Genome(path)
    sent = pickle.dumps(genome)
    write_fasta(path, {"chr1": "TTTT"})
    interval = Intervals(["chr1"], [0], [50])
    assert len(sent) < 2000
    assert (pickle.loads(sent).gather(interval).values == genome.gather(interval).values).all()


@pytest.mark.real_data
def test_the_chr2_piece_covers_the_rows_its_readme_counts(data_root):
    genome = Genome(data_root / "genomes" / "chr2_1-2333275.fa.gz")
    counts = {"human_enhancers_cohn": 16, "human_ocr_ensembl": 155, "human_ensembl_regulatory": 260}
    for name, expected in counts.items():
        files = sorted((data_root / "genomic_benchmarks" / name).glob("*/*.csv.gz"))
        assert sum(int((genome.placement(read_gb_table(file).intervals) == 0).sum()) for file in files) == expected
