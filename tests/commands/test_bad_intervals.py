"""What genomic-benchmarks does in silence is one line here, through the command line: file, row, and why."""

import gzip
import json

import pytest

from tests.commands.test_bad_input import complaint
from tests.helpers.make import GB_HEADER, sequence, write, write_fasta
from tests.helpers.tiny import run

DATASET = "gb_dummy_mouse_enhancers_ensembl"
SMALL = ["model=convnet", "model.backbone.dim=8", "model.backbone.blocks=1", "trainer=debug"]
RECORDS = {"1": sequence(400, seed=1), "chr2": sequence(300, seed=2)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tables of one dataset and its genome, all sound; the caller breaks one."""
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    write_fasta(tmp_path / "data" / "genomes" / "GRCm38.fa", RECORDS)
    folder = tmp_path / "data" / "genomic_benchmarks" / "dummy_mouse_enhancers_ensembl"
    for split in ("train", "test"):
        for number, label in enumerate(("negative", "positive")):
            write_table(folder / split / f"{label}.csv.gz", sound(100 * number))
    return folder


def sound(offset=0):
    return [f"{row},chr1,{offset + 5 * row},{offset + 5 * row + 60},+" for row in range(20)]


def write_table(path, rows):
    return write(path, "\n".join([GB_HEADER, *rows]) + "\n")


def refused(capsys, tmp_path, *words):
    said = complaint(capsys, "train", f"dataset={DATASET}", *SMALL, *words)
    logs = tmp_path / "logs"
    assert not logs.exists() or not any(file.is_file() for file in logs.rglob("*"))
    return said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,chr2,290,310,+", ["chr2:290-310", "ends at 300 bp", "dataset.missing=drop"]),
        ("x,chr1,-5,40,+", ["a start of 0 or more", "'-5'"]),
        ("x,chr1,40,40,-", ["the interval is empty"]),
        ("x,chr1,50,40,-", ["the interval is empty"]),
        ("3,chr1,7,47,+", ["an id that no earlier row has", "'3'"]),
        ("x,chr7,7,47,+", ["chr7", "lacks", "dataset.genome=FILE"]),
        ("x,chr1,7,47,*", ["a strand of +, -, . or nothing", "'*'"]),
        ("x,chr1,7.5,47,+", ["a whole number as start"]),
        ("x,chr1,7,47", ["5 fields"]),
        (",chr1,7,47,+", ["an id"]),
        ("x,,7,47,+", ["the name of a chromosome"]),
    ],
    ids=[
        "past the end",
        "negative start",
        "empty",
        "end before start",
        "duplicate id",
        "absent chromosome",
        "strand",
        "fraction",
        "ragged",
        "no id",
        "no chromosome",
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_row_that_would_pass_unseen_is_refused(capsys, tmp_path, folder, split, row, words):
    write_table(folder / split / "positive.csv.gz", [*sound(100)[:6], row, *sound(100)[6:]])
    said = refused(capsys, tmp_path)
    assert f"{folder / split / 'positive.csv.gz'} line 8" in said
    assert all(word in said for word in words), said


def test_a_download_that_was_interrupted_is_no_dataset(capsys, tmp_path, folder):
    table = folder / "train" / "negative.csv.gz"
    table.write_bytes(table.read_bytes()[:-9])
    assert f"{table} is a truncated or damaged gzip" in refused(capsys, tmp_path)
    table.unlink()
    assert f"datasets fetch {DATASET}" in refused(capsys, tmp_path)


def test_another_reference_under_the_same_name_is_another_reference(capsys, tmp_path, folder):
    out = [tmp_path / "one", tmp_path / "two"]
    assert run("train", f"dataset={DATASET}", *SMALL, f"hydra.run.dir={out[0]}") == 0
    write_fasta(
        tmp_path / "data" / "genomes" / "GRCm38.fa", {"1": sequence(400, seed=3), "chr2": sequence(300, seed=2)}
    )
    assert run("train", f"dataset={DATASET}", *SMALL, f"hydra.run.dir={out[1]}") == 0
    first, second = (json.loads((one / "record.json").read_text())["data_sha256"]["train"] for one in out)
    assert first.keys() == second.keys()
    assert first["genomes/GRCm38.fa"] != second["genomes/GRCm38.fa"]


def test_a_test_row_longer_than_any_training_row_is_never_cut_unasked(capsys, tmp_path, folder):
    write_table(folder / "test" / "negative.csv.gz", [*sound(), "long,chr1,0,90,+"])
    said = complaint(capsys, "train", f"dataset={DATASET}", "model=cnn", "trainer=debug")
    assert "1 test rows are longer than the 60 bp" in said
    assert "negative/long" in said
    assert "dataset.too_long=crop" in said


def test_labels_follow_the_names_of_the_classes_whatever_the_order_of_the_files(tmp_path, folder):
    for split in ("train", "test"):  # written anew, positive first
        content = {path.name: path.read_bytes() for path in (folder / split).iterdir()}
        for name in sorted(content, reverse=True):
            (folder / split / name).unlink()
            (folder / split / name).write_bytes(content[name])
    assert run("train", f"dataset={DATASET}", *SMALL, f"hydra.run.dir={tmp_path / 'out'}") == 0
    import polars as pl

    rows = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert {(name.split("/")[0], target) for name, target in zip(rows["id"], rows["target"], strict=True)} == {
        ("negative", 0),
        ("positive", 1),
    }


def test_rows_left_out_on_request_are_counted_in_the_record(tmp_path, folder):
    write_table(folder / "train" / "positive.csv.gz", [*sound(100), "x,chr2,290,310,+", "y,chr7,1,9,+", "z,chr8,1,9,"])
    words = [f"dataset={DATASET}", "dataset.missing=drop", f"hydra.run.dir={tmp_path / 'out'}"]
    assert run("train", *words, *SMALL) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["dropped"] == {"train": {"chromosome absent": 2, "past the end": 1}}


def test_an_empty_class_is_a_warning_in_the_record_only_where_rows_may_be_dropped(capsys, tmp_path, folder):
    write_table(folder / "test" / "positive.csv.gz", ["x,chr7,1,41,+"])
    assert "line 2" in refused(capsys, tmp_path)
    words = [f"dataset={DATASET}", "dataset.missing=drop", f"hydra.run.dir={tmp_path / 'out'}"]
    assert run("train", *words, *SMALL) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert any("class positive has no test row" in warning for warning in record["warnings"])


def test_ready_sequences_serve_without_a_genome_and_the_record_says_so(capsys, tmp_path, folder):
    (tmp_path / "data" / "genomes" / "GRCm38.fa").unlink()
    ready = tmp_path / "data" / "sequences" / folder.name
    for split in ("train", "test"):
        rows = [(label, line.split(",")) for label in ("negative", "positive") for line in lines(folder, split, label)]
        text = [f"{RECORDS['1'][int(row[2]) : int(row[3])]}\t{label == 'positive':d}" for label, row in rows]
        write(ready / f"{split}.tsv.gz", "\n".join(["seq\tlabel", *text]) + "\n")
    assert run("train", f"dataset={DATASET}", *SMALL, f"hydra.run.dir={tmp_path / 'out'}") == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert f"sequences/{folder.name}/test.tsv.gz" in record["data_sha256"]["test"]
    assert any("for want of their genome" in warning for warning in record["warnings"])
    (ready / "train.tsv.gz").unlink()
    assert "genomes/GRCm38.fa" in refused(capsys, tmp_path)


def lines(folder, split, label):
    return gzip.decompress((folder / split / f"{label}.csv.gz").read_bytes()).decode().splitlines()[1:]
