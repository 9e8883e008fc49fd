"""`genolightning datasets check NAME`: what is missing is listed, what is damaged is found, the cache is mended."""

import json
import os
from pathlib import Path

import pytest

from tests.helpers.make import write_fasta, write_gb_dataset
from tests.helpers.tiny import run

CONFIG = """# A toy for tests.
defaults: [base/gb@_here_, _self_]
name: gb_toy
kind: binary
folder: toy
assembly: tiny
classes: [negative, positive]
genomes: {{negative: null, positive: null}}
card:
  sha256: {{{sha256}}}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A folder of configs with one dataset, whose files are all there; the caller may write its checksums."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    write_fasta(tmp_path / "data" / "genomes" / "tiny.fa")
    write_gb_dataset(tmp_path / "data" / "genomic_benchmarks" / "toy")
    write_config(tmp_path)
    return tmp_path


def write_config(folder, sha256=""):
    (folder / "dataset").mkdir(exist_ok=True)
    (folder / "dataset" / "gb_toy.yaml").write_text(CONFIG.format(sha256=sha256))


def checked(capsys, config, *words):
    """Exit code, part -> state, and the line on standard error."""
    capsys.readouterr()
    code = run("datasets", "check", "gb_toy", *words, f"--config-dir={config}", "--json")
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)
    assert row["usable"] == (code == 0)
    return code, {part["part"]: part["state"] for part in row["parts"]}, printed.err


def cache() -> Path:
    return Path(os.environ["GENOLIGHTNING_CACHE"])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_whole_dataset_is_whole_the_second_time(capsys, config):
    code, parts, _ = checked(capsys, config)
    assert (code, parts["encoded train rows"]) == (0, "built")
    code, parts, _ = checked(capsys, config)
    assert set(parts.values()) == {"whole", "there, no published checksum"}
    assert parts["encoded tiny.fa"] == parts["encoded test rows"] == "whole"


def test_a_changed_byte_in_a_store_is_found_and_mended(capsys, config):
    checked(capsys, config)
    for codes in (cache() / "stores").glob("*/codes.npy"):
        flip(codes)
    _, parts, _ = checked(capsys, config)
    assert parts["encoded train rows"] == parts["encoded test rows"] == "rebuilt"
    assert checked(capsys, config)[1]["encoded train rows"] == "whole"


def test_rows_that_came_from_a_damaged_genome_are_gathered_again(capsys, config):
    checked(capsys, config)
    (codes,) = (cache() / "genomes").glob("*.codes")
    right = codes.read_bytes()
    flip(codes)
    _, parts, _ = checked(capsys, config)
    assert parts["encoded tiny.fa"] == "rebuilt"
    assert parts["encoded train rows"] == "built", "the store made from it was removed"
    assert codes.read_bytes() == right


def test_a_table_that_is_not_the_published_one_is_refused(capsys, config):
    from genolightning.storage.checksums import sha256

    table = config / "data" / "genomic_benchmarks" / "toy" / "train" / "negative.csv.gz"
    write_config(config, f"train/negative.csv.gz: {sha256(table)}")
    assert checked(capsys, config)[1]["genomic_benchmarks/toy/train/negative.csv.gz"] == "as published"
    write_gb_dataset(config / "data" / "genomic_benchmarks" / "toy", seed=9)
    code, parts, said = checked(capsys, config)
    assert (code, parts["genomic_benchmarks/toy/train/negative.csv.gz"]) == (2, "changed")
    assert "genomic_benchmarks/toy/train/negative.csv.gz: wanted sha256" in said


def test_everything_that_is_missing_is_listed(capsys, config):
    (config / "data" / "genomic_benchmarks" / "toy" / "test" / "positive.csv.gz").unlink()
    (config / "data" / "genomes" / "tiny.fa").unlink()
    code, parts, said = checked(capsys, config)
    assert code == 2
    assert parts["genomic_benchmarks/toy/test/positive.csv.gz"] == parts["genomes/tiny.fa"] == "missing"
    assert parts["genomic_benchmarks/toy/train/positive.csv.gz"] == "there, no published checksum"
    assert len(said.splitlines()) == 1


def test_another_genome_may_be_checked(capsys, config):
    code, _, said = checked(capsys, config, "dataset.genome=absent.fa")
    assert code == 2
    assert "absent.fa" in said
    (config / "data" / "genomes" / "tiny.fa").rename(config / "data" / "other.fa")
    assert checked(capsys, config, "dataset.genome=other.fa")[0] == 0
