"""Pieces of real genomes under the real tables, by the names a user types: rows equal slices in plain Python."""

import gzip
import json
from functools import cache

import pytest

from genolightning import load_dataset
from genolightning.genome.alphabet import decode
from tests.helpers.make import plain_slice
from tests.helpers.tiny import run

CHR2, WORM = "genomes/chr2_1-2333275.fa.gz", "genomes/ce270.fa.gz"
SPLITS = ("train", "validation", "test")

pytestmark = pytest.mark.real_data


@cache
def fasta(path):
    records = {}
    for record in gzip.decompress(path.read_bytes()).decode().split(">")[1:]:
        header, _, text = record.partition("\n")
        records[header.split()[0]] = text.replace("\n", "").upper()
    return records


@pytest.fixture
def root(data_root):
    for file in (CHR2, WORM):
        if not (data_root / file).is_file():
            pytest.skip(f"the data root has no {file}")
    return data_root


def slices(root, folder, label, genome):
    """The letters of every row of a class that the genome holds, train and test, in no order."""
    found = []
    for split in ("train", "test"):
        table = root / "genomic_benchmarks" / folder / split / f"{label}.csv.gz"
        for line in gzip.decompress(table.read_bytes()).decode().splitlines()[1:]:
            _, chrom, start, end, strand = line.split(",")
            if chrom in genome and int(end) <= len(genome[chrom]):
                found.append(plain_slice(genome, chrom, int(start), int(end), strand))
    return sorted(found)


def served(name, *words):
    """Class number -> the letters of its rows in all splits, in no order."""
    rows = {}
    for split in SPLITS:
        for codes, label in load_dataset(name, split, *words):
            rows.setdefault(int(label), []).append(decode(codes.numpy()))
    return {label: sorted(found) for label, found in rows.items()}


def test_regulatory_rows_are_slices_of_the_piece_of_chr2(root):
    found = served("gb_human_ensembl_regulatory", f"dataset.genome={CHR2}", "dataset.missing=drop")
    genome = fasta(root / CHR2)
    assert sum(map(len, found.values())) == 260
    for number, label in enumerate(("enhancer", "ocr", "promoter")):
        assert found[number] == slices(root, "human_ensembl_regulatory", label, genome)


def test_human_and_worm_each_have_their_own_genome(root):
    words = [f"dataset.genomes.human={CHR2}", f"dataset.genomes.worm={WORM}", "dataset.missing=drop"]
    found = served("gb_demo_human_or_worm", *words)
    assert found[0] == slices(root, "demo_human_or_worm", "human", fasta(root / CHR2))
    assert found[1] == slices(root, "demo_human_or_worm", "worm", fasta(root / WORM))
    assert len(found[0]) == 45
    assert len(found[1]) > 45


def test_open_chromatin_trains_and_its_record_counts_what_was_left_out(root, tmp_path):
    small = ["model=convnet", "model.backbone.dim=8", "model.backbone.blocks=1", "trainer=debug"]
    words = [f"dataset.genome={CHR2}", "dataset.missing=drop", f"hydra.run.dir={tmp_path / 'out'}"]
    assert run("train", "dataset=gb_human_ocr_ensembl", *words, *small) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert sum(record["facts"]["rows"].values()) == 155
    assert {reason for counts in record["dropped"].values() for reason in counts} == {
        "chromosome absent",
        "past the end",
    }
    assert 155 + sum(sum(counts.values()) for counts in record["dropped"].values()) == 174_756
