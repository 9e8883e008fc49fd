"""What a user can get wrong: exit code 2, one line that names file and row, no traceback, nothing half-written."""

import gzip
import os
import pickle
import stat

import numpy as np
import polars as pl
import pytest
import torch
import yaml

from genolightning.benchmarks.labelled_table import read_table
from genolightning.benchmarks.text_table import column
from tests.helpers.tiny import run, sequences, train, write_table

GOOD = [f"{one},{i % 2}" for i, one in enumerate(sequences(8, 20))]


def complaint(capsys, *words) -> str:
    """The one line that a refused command says."""
    capsys.readouterr()
    assert run(*words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("genolightning: ")
    assert "Traceback" not in lines[0]
    return lines[0]


def refused_table(capsys, tmp_path, content: str | bytes, *words, name: str = "t.csv") -> str:
    """What `train` says of a table."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = complaint(capsys, "train", "dataset=table", f"dataset.train={path}", "trainer=cpu", *words)
    assert str(path) in said
    logs = tmp_path / "logs"
    assert not logs.exists() or not any(file.is_file() for file in logs.rglob("*"))
    return said


def table_with(row: str, at: int = 4) -> str:
    rows = [*GOOD[:at], row, *GOOD[at:]]
    return "sequence,label\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("sequence,label\n", ["no rows"]),
        ("dna,label\nACGT,0\nACGT,1\n", ["'sequence'", "dna", "dataset.sequence="]),
        ("sequence,y\nACGT,0\n", ["'label'", "dataset.label="]),
        (table_with(",1"), ["line 6", "empty"]),
        (table_with("ACGTJACGT,1"), ["line 6", "'J'", "base 5", "IUPAC"]),
        (table_with("ACGT,"), ["line 6", "label is missing"]),
        (table_with("ACGT,1,3"), ["line 6", "3 fields"]),
        ("sequence,label\nACGT,1\nACGT,1\n", ["'1'", "two classes"]),
        (b"\x00\x01\x02\xff" * 100, []),
        (gzip.compress("\n".join(["sequence,label", *GOOD]).encode())[:-12], ["gzip"]),
    ],
    ids=[
        "empty",
        "header",
        "column",
        "label",
        "no sequence",
        "letter",
        "no label",
        "ragged",
        "one class",
        "binary",
        "gzip",
    ],
)
def test_a_table_that_cannot_be_read_is_refused(capsys, tmp_path, content, words):
    said = refused_table(capsys, tmp_path, content)
    assert all(word in said for word in words), said


def test_an_unknown_label_is_named_with_its_row(capsys, tmp_path):
    said = refused_table(capsys, tmp_path, table_with("ACGT,7"), "dataset.classes=['0','1']")
    assert "line 6" in said
    assert "'7'" in said


def test_a_class_without_a_row_is_named(capsys, tmp_path):
    said = refused_table(
        capsys, tmp_path, table_with("ACGT,1"), "dataset.classes=['0','1','2']", "dataset.kind=multiclass"
    )
    assert "class 2" in said


def test_labels_that_differ_between_splits_are_named(capsys, tmp_path):
    test = tmp_path / "test.csv"
    test.write_text("sequence,label\nACGT,0\nACGT,yes\n")
    path = write_table(tmp_path / "train.csv")
    said = complaint(capsys, "train", "dataset=table", f"dataset.train={path}", f"dataset.test={test}", "trainer=cpu")
    assert f"{test} line 3" in said
    assert "'yes'" in said


def test_a_missing_data_root_says_how_to_name_one(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "nowhere"))
    said = complaint(capsys, "train", "dataset=gue_tf_0", "trainer=cpu")
    assert str(tmp_path / "nowhere") in said
    assert "GENOLIGHTNING_DATA" in said


def test_a_missing_dataset_says_what_to_fetch(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    assert "datasets fetch gue_tf_0" in complaint(capsys, "train", "dataset=gue_tf_0", "trainer=cpu")
    assert "human_ocr_ensembl" in complaint(capsys, "train", "dataset=gb_human_ocr_ensembl", "trainer=cpu")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model=convnett", "convnet"),
        ("modle=cnn", "model"),
        ("trainer.max_epoch=3", "max_epochs"),
        ("trainer.max_epochs=many", "whole number"),
        ("dataset.augment.substitute=10", "a share of bases"),
        ("dataset.augment.substitute=null", "a share of bases"),
        ("model.strand=both", "none, average, equivariant or joint"),
        ("dataset.too_long=shorten", "error or crop"),
        ("dataset.batch_size=0", "dataset.batch_size=0: wanted a whole number from 1 on"),
        ("dataset.workers=-1", "dataset.workers=-1: wanted a whole number from 0 on"),
        ("dataset.augment.shift_bp=-1", "shift_bp=-1: wanted a whole number from 0 on"),
        ("dataset.resolution_bp=abc", "dataset.resolution_bp=abc: wanted a whole number from 1 on"),
        ("dataset.label=[]", "dataset.label names no column"),
        ("seed=-1", "seed=-1: wanted a whole number from 0 to 4294967295"),
        ("seed=null", "seed=None: wanted a whole number"),
        ("model.backbone.dropout=1.5", "model=convnet: dropout probability has to be between 0 and 1"),
        ("model.head=foo", "model=convnet: 'str' object is not callable (GENOLIGHTNING_DEBUG=1 shows where)"),
        ("optimizer.lr=-1", "optimizer: Invalid learning rate: -1"),
        ("optimizer.betas=[0.9]", "optimizer: "),
        ("+optimizer.foo=1", "optimizer: "),
        ("trainer.check_val_every_n_epoch=0", "trainer.check_val_every_n_epoch=0: wanted 1 or more"),
        ("trainer.val_check_interval=99", "trainer.val_check_interval: "),
        ("+trainer.fast_dev_run=true", "trainer=debug"),
        ("trainer.accumulate_grad_batches=-2", "trainer.accumulate_grad_batches=-2: wanted 1 or more"),
        ("+trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=-1: wanted 0 or more"),
        ("scheduler.warmup=5", "scheduler: warmup=5, floor=0.0; wanted shares"),
        ("scheduler.floor=-1", "wanted shares from 0 to 1"),
        ("model.backbone.blocks=-1", "model.backbone.blocks=-1: wanted a whole number from 0 on"),
        ("+dataset.augment.shift=3", "dataset.augment.shift: there are reverse_complement, shift_bp, substitute"),
        ("callbacks.checkpoint.every_n_steps=null", "every_n_steps=None: wanted a whole number from 1 on"),
    ],
)
def test_a_slip_in_a_word_prints_the_real_options(capsys, tmp_path, word, said):
    table = write_table(tmp_path / "t.csv")
    words = ["dataset=table", f"dataset.train={table}", "trainer=cpu", f"hydra.run.dir={tmp_path / 'out'}", word]
    assert said in complaint(capsys, "train", *words)
    assert not (tmp_path / "out" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["train", "dataset=motifs", "dataset.generator_seed=-1"],
            "generator_seed=-1: wanted a whole number from 0 on",
        ),
        (
            ["train", "dataset=motifs", "dataset.classes=[a]"],
            "dataset.classes: motifs is binary and takes two classes, not 1",
        ),
        (["test", "run={run}", "dataset.split=clean"], "dataset.split=clean: {run} was trained with original"),
        (["test", "run={run}", "dataset.seed=2"], "rows it has trained on would be tested"),
        (["predict", "run={run}", "input={fasta}", "output=p.csv", "dataset.too_long=x"], "wanted error or crop"),
        (["watch", "logs=.", "--every", "-1"], "--every -1: wanted seconds above 0"),
        (["datasets", "audit", "motifs", "--seed", "-1"], "--seed=-1: wanted a whole number from 0 on"),
        (["models", "--model", "cnn", "--output", "{folder}.md"], "is a folder; name a file"),
        (["predict", "run={run}", "input={fasta}", "output={folder}"], "is a folder; name a file"),
        (
            ["predict", "run={run}", "input={fasta}", "output=p.csv", "tile_bp=2.5"],
            "tile_bp=2.5: wanted a whole number",
        ),
        (["predict", "run={run}", "input={fasta}", "output=p.csv", "dataset.batch_size=0"], "dataset.batch_size=0"),
    ],
)
def test_numbers_and_names_that_cannot_be_are_one_line(capsys, tmp_path, finished, words, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.csv.md").mkdir()
    (tmp_path / "in.fa").write_text(">a\nACGT\n")
    names = {"folder": tmp_path / "folder.csv", "run": finished, "fasta": tmp_path / "in.fa"}
    assert said.format(**names) in complaint(capsys, *(word.format(**names) for word in words))
    assert not any((tmp_path / "folder.csv").iterdir())


@pytest.mark.parametrize(
    "word", ["optimizer.lr=.1", "optimizer={lr:.1}", "model.optimizer.lr=.1", "seed=3", "dataset.split=clean"]
)
def test_a_run_that_goes_on_takes_no_word_that_it_could_not_heed(capsys, finished, word):
    (finished / "record.json").unlink()
    assert "a run goes on as it was begun" in complaint(capsys, "train", f"resume={finished}", word)


def test_a_label_that_says_there_is_none_is_no_class(capsys, tmp_path):
    said = refused_table(capsys, tmp_path, table_with("ACGT,NaN"))
    assert "line 6: the label is missing (NaN)" in said


def test_a_target_too_large_to_be_squared_is_named(capsys, tmp_path):
    said = refused_table(capsys, tmp_path, table_with("ACGT,1e300"), "dataset.kind=regression")
    assert "line 6: 1e300 is too large" in said


def test_columns_of_a_parquet_file_that_hold_no_text_are_passed_over(tmp_path):
    made = {
        "sequence": sequences(12),
        "label": [0, 1] * 6,
        "embedding": np.zeros((12, 3), np.float32),
        "raw": [b"\xff"] * 12,
    }
    pl.DataFrame(made).write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert column(table, "sequence", "sequence") == made["sequence"]
    assert set(table.columns) == {"sequence", "label"}


@pytest.fixture
def finished(tmp_path):
    table = write_table(tmp_path / "t.csv")
    assert train(tmp_path / "out", "dataset=table", f"dataset.train={table}") == 0
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ACGT\n", "FASTA"),
        (">a\nACGT\n>a\nACGT\n", "the name a occurs twice"),
        (">a\nAC-GT\n", "'-'"),
        ("", "empty"),
        (">a\n>b\nAC\n", "a"),
    ],
    ids=["no header", "duplicate", "letter", "empty", "no bases"],
)
def test_what_is_not_a_fasta_is_refused_and_nothing_is_written(capsys, tmp_path, finished, content, said):
    source = tmp_path / "x.fa"
    source.write_text(content)
    line = complaint(
        capsys, "predict", f"run={finished}", f"input={source}", f"output={tmp_path / 'x.csv'}", "trainer=cpu"
    )
    assert str(source) in line
    assert said in line
    assert not (tmp_path / "x.csv").exists()


def test_intervals_outside_their_genome_name_file_and_line(capsys, tmp_path, finished):
    (tmp_path / "g.fa").write_text(">chr1\nACGTACGT\n")
    (tmp_path / "x.bed").write_text("chr1\t0\t8\nchr1\t4\t12\n")
    words = [f"run={finished}", f"input={tmp_path / 'x.bed'}", f"output={tmp_path / 'x.csv'}", "trainer=cpu"]
    assert "genome=" in complaint(capsys, "predict", *words)
    line = complaint(capsys, "predict", *words, f"genome={tmp_path / 'g.fa'}")
    assert "line 2" in line
    assert "chr1:4-12" in line


def test_a_checkpoint_that_is_not_ours_is_refused(capsys, tmp_path, finished):
    torch.save({"state_dict": {}}, finished / "checkpoints" / "best.ckpt")
    assert "not a checkpoint of GenoLightning" in complaint(capsys, "test", f"run={finished}", "trainer=cpu")


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "torch.hub.load",
        "torch.load",
        "builtins.eval",
        "genolightning.models.heads.default",
        "subprocess.Popen",
    ],
)
def test_a_hostile_run_folder_is_refused_before_anything_in_it_runs(capsys, tmp_path, finished, target):
    config = finished / ".hydra" / "config.yaml"
    plain = yaml.safe_load(config.read_text())
    plain["model"]["head"] = {"_target_": target, "_partial_": True, "command": f"touch {tmp_path / 'ran'}"}
    config.write_text(yaml.safe_dump(plain))
    for verb in ("test", "predict"):
        words = ["input=x.fa", "output=x.csv"] if verb == "predict" else []
        assert target in complaint(capsys, verb, f"run={finished}", "trainer=cpu", *words)
    (finished / "record.json").unlink()
    assert target in complaint(capsys, "train", f"resume={finished}")
    assert not (tmp_path / "ran").exists()


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (self.marker,))


def test_a_pickle_in_place_of_a_checkpoint_never_runs(capsys, tmp_path, finished):
    marker = str(tmp_path / "ran")
    torch.save({"state_dict": {}, "genolightning": Hostile(marker)}, finished / "checkpoints" / "best.ckpt")
    assert "could run code" in complaint(capsys, "test", f"run={finished}", "trainer=cpu")
    (finished / "checkpoints" / "best.ckpt").write_bytes(pickle.dumps(Hostile(marker)))
    complaint(capsys, "test", f"run={finished}", "trainer=cpu")
    assert not os.path.exists(marker)


def test_two_runs_in_one_folder_are_one_too_many(capsys, tmp_path, finished):
    table = write_table(tmp_path / "t.csv")
    said = complaint(capsys, "train", "dataset=table", f"dataset.train={table}", f"hydra.run.dir={finished}")
    assert "hydra.run.dir" in said


def test_a_logs_folder_that_cannot_be_written_is_named(capsys, tmp_path, monkeypatch):
    table = write_table(tmp_path / "t.csv")
    if os.geteuid() == 0:  # root passes file modes: a path that cannot be a folder stands in
        (tmp_path / "locked").write_text("")
    else:
        (tmp_path / "locked").mkdir()
        (tmp_path / "locked").chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "locked"))
    said = complaint(capsys, "train", "dataset=table", f"dataset.train={table}", "trainer=cpu")
    assert str(tmp_path / "locked") in said
    assert "GENOLIGHTNING_LOGS" in said
