"""From a table to a tested, recorded model; and from its folder to predictions elsewhere."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

import genolightning
from genolightning.statistics.metrics import accuracy, auroc
from tests.helpers.tiny import run, sequences, train, write_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One finished run on a table with no file for validation or test."""
    folder = tmp_path_factory.mktemp("run")
    os.environ["GENOLIGHTNING_CACHE"] = str(folder / "cache")
    table = write_table(folder / "mine.csv")
    assert train(folder / "out", "dataset=table", f"dataset.train={table}") == 0
    return folder


def record_of(folder) -> dict:
    return json.loads((folder / "record.json").read_text())


def test_a_record_holds_scores_with_intervals_and_where_everything_came_from(trained):
    record = record_of(trained / "out")
    for name in ("accuracy", "f1", "mcc", "auroc", "auprc", "loss", "mcc_tuned"):
        score = record["metrics"][name]
        assert score["low"] <= score["value"] <= score["high"]
        assert score["unit"] == "row"
    assert record["split"] == "random, seed 1"
    assert record["score"] == record["metrics"]["auroc"]["value"]
    wanted = "schema verb dataset model seed score_name higher_is_better facts config data_sha256 parameters versions"
    assert set(wanted.split()) | {"git", "device", "seconds", "peak_memory_mb", "warnings"} <= set(record)
    assert record["facts"]["rows"] == {"train": 58, "validation": 6, "test": 16}


@pytest.mark.parametrize(("least", "batch_size", "epochs"), [(20, 16, 5), (22, 16, 6), (20, 58, 20), (5, 16, 2)])
def test_a_small_dataset_gets_more_epochs_until_it_has_its_steps(tmp_path, monkeypatch, least, batch_size, epochs):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    table = write_table(tmp_path / "mine.csv")  # 58 of its rows train
    words = [f"dataset.train={table}", f"dataset.batch_size={batch_size}", f"trainer.min_steps={least}"]
    assert train(tmp_path / "out", "dataset=table", *words) == 0
    status = json.loads((tmp_path / "out" / "status.json").read_text())
    assert (status["epoch"] + 1, status["epochs"], status["step"]) == (epochs, epochs, epochs * -(-58 // batch_size))


def test_more_epochs_are_told_and_a_rehearsal_keeps_to_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    words = ["dataset=table", f"dataset.train={write_table(tmp_path / 'mine.csv')}", "trainer.min_steps=6"]
    assert train(tmp_path / "all", *words, "trainer.max_epochs=2") == 0
    assert "trainer.min_steps=6: 6 epochs, not 2; trainer.min_steps=null keeps to 2" in capsys.readouterr().out
    assert train(tmp_path / "part", *words, "trainer.max_epochs=2", "trainer.limit_train_batches=1") == 0
    assert "min_steps" not in capsys.readouterr().out
    assert [json.loads((tmp_path / name / "status.json").read_text())["epochs"] for name in ("all", "part")] == [6, 2]


def test_the_protocol_of_gue_fits_any_table(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    words = [f"dataset.train={write_table(tmp_path / 'mine.csv')}", "trainer.min_steps=5"]
    assert train(tmp_path / "out", "experiment=gue", "dataset=table", *words) == 0
    config = record_of(tmp_path / "out")["config"]
    assert config["dataset"]["augment"] == {"reverse_complement": False, "shift_bp": 0, "substitute": 0.1}
    assert (config["model"]["strand"], config["optimizer"]["weight_decay"]) == ("joint", 2.0)


def test_the_scores_follow_from_the_predictions(trained):
    rows = pl.read_parquet(trained / "out" / "predictions.parquet")
    metrics = record_of(trained / "out")["metrics"]
    assert rows.columns == ["index", "id", "target", "p_0", "p_1"]
    assert metrics["accuracy"]["value"] == accuracy(rows["target"].to_numpy(), rows["p_1"].to_numpy() > 0.5)
    assert metrics["auroc"]["value"] == auroc(rows["target"].to_numpy(), rows["p_1"].to_numpy())


def test_test_rows_are_rows_of_the_table_that_training_did_not_see(trained):
    rows = pl.read_parquet(trained / "out" / "predictions.parquet")
    table = pl.read_csv(trained / "mine.csv")
    assert rows["index"].is_sorted()
    assert rows["target"].to_list() == table["label"].gather(rows["index"]).to_list()


def test_the_run_folder_holds_what_it_promises(trained):
    files = {str(path.relative_to(trained / "out")) for path in (trained / "out").rglob("*") if path.is_file()}
    assert {"record.json", "predictions.parquet", "metrics.csv", ".hydra/config.yaml"} <= files
    assert {"checkpoints/best.ckpt", "checkpoints/last.ckpt"} <= files


def test_testing_a_run_again_gives_its_scores(trained, tmp_path):
    assert run("test", f"run={trained / 'out'}", "trainer=cpu", f"hydra.run.dir={tmp_path / 'again'}") == 0
    again = record_of(tmp_path / "again")
    assert again["metrics"] == record_of(trained / "out")["metrics"]
    assert again["verb"] == "test"


@pytest.mark.parametrize("form", ["csv", "fasta", "bed"])
def test_predicting_for_the_same_rows_gives_the_same_numbers(trained, tmp_path, form):
    rows = pl.read_parquet(trained / "out" / "predictions.parquet")
    dna = pl.read_csv(trained / "mine.csv")["sequence"].gather(rows["index"]).to_list()
    words = []
    if form == "csv":
        source = tmp_path / "new.csv"
        source.write_text("sequence\n" + "\n".join(dna) + "\n")  # no labels
    elif form == "fasta":
        source = tmp_path / "new.fa"
        source.write_text("".join(f">row{i}\n{one[:30]}\n{one[30:]}\n" for i, one in enumerate(dna)))
    else:
        genome, source = tmp_path / "g.fa", tmp_path / "new.bed"
        genome.write_text(">chr1\n" + "".join(dna) + "\n")
        source.write_text("".join(f"chr1\t{60 * i}\t{60 * (i + 1)}\n" for i in range(len(dna))))
        words = [f"genome={genome}"]
    output = tmp_path / "out.parquet"
    assert run("predict", f"run={trained / 'out'}", f"input={source}", f"output={output}", "trainer=cpu", *words) == 0
    made = pl.read_parquet(output)
    assert np.abs(made["p_1"].to_numpy() - rows["p_1"].to_numpy()).max() <= 1e-6
    assert "target" not in made.columns


def test_predicting_needs_neither_the_dataset_nor_its_files(trained, tmp_path):
    moved = trained / "mine.csv"
    hidden = moved.rename(moved.with_suffix(".gone"))
    try:
        source = tmp_path / "x.fa"
        source.write_text(">a\nACGTACGTACGT\n")
        words = (f"input={source}", f"output={tmp_path / 'x.csv'}", "trainer=cpu")
        assert run("predict", f"run={trained / 'out'}", *words) == 0
    finally:
        hidden.rename(moved)


def test_long_records_are_tiled_when_asked(trained, tmp_path):
    source = tmp_path / "x.fa"
    source.write_text(f">a\n{sequences(1, 100)[0]}\n>b\nACGT\n")
    words = (f"input={source}", f"output={tmp_path / 'x.csv'}", "trainer=cpu", "tile_bp=40")
    assert run("predict", f"run={trained / 'out'}", *words) == 0
    made = pl.read_csv(tmp_path / "x.csv")
    assert made["id"].to_list() == ["a:0-40", "a:40-80", "a:60-100", "b"]
    assert made["index"].to_list() == [0, 0, 0, 1]


def test_a_model_of_fixed_length_refuses_longer_records_and_says_what_to_do(tmp_path, capsys):
    table = write_table(tmp_path / "t.csv")
    assert train(tmp_path / "out", "dataset=table", f"dataset.train={table}", model="cnn") == 0
    source = tmp_path / "x.fa"
    source.write_text(f">long\n{sequences(1, 100)[0]}\n")
    words = ("predict", f"run={tmp_path / 'out'}", f"input={source}", f"output={tmp_path / 'x.csv'}", "trainer=cpu")
    assert run(*words) == 2
    assert "tile_bp=60" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
    assert run(*words, "tile_bp=60") == 0


def test_the_notebooks_door_predicts_and_reads(trained):
    opened = genolightning.load_run(trained / "out")
    probabilities = opened.predict(sequences(3))
    assert probabilities.shape == (3,)
    assert opened.facts.classes == ["0", "1"]
    data = genolightning.load_dataset("table", "test", f"dataset.train={trained / 'mine.csv'}")
    codes, label = data[0]
    assert (len(data), codes.shape, int(label)) == (16, (60,), 0)


@pytest.mark.parametrize("kind", ["multiclass", "regression", "multilabel", "bases"])
def test_every_kind_of_target_goes_all_the_way(tmp_path, kind):
    dna = sequences(60, 40)
    words = []
    if kind == "multiclass":
        labels = [f"class{i % 3}" for i in range(60)]
    elif kind == "regression":
        labels, words = [str(one.count("A") / 7) for one in dna], ["dataset.kind=regression"]
    elif kind == "multilabel":
        labels = ['"a,b"', "a", "b"] * 20
        words = ["dataset.kind=multilabel"]
    else:
        labels = ["".join("1" if base == "A" else "0" for base in one) for one in dna]
        words = ["dataset.resolution_bp=1"]
    table = tmp_path / "t.csv"
    table.write_text("sequence,label\n" + "".join(f"{a},{b}\n" for a, b in zip(dna, labels, strict=True)))
    assert train(tmp_path / "out", "dataset=table", f"dataset.train={table}", *words) == 0
    record = record_of(tmp_path / "out")
    rows = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert len(rows) == record["facts"]["rows"]["test"]
    assert all(score["low"] <= score["value"] <= score["high"] for score in record["metrics"].values())
    if kind == "bases":
        assert rows["p_1"].list.len().to_list() == [40] * len(rows)
        assert rows.schema["p_1"] == pl.List(pl.Float16)


def test_the_same_seed_is_the_same_run_and_another_is_not(tmp_path):
    table = write_table(tmp_path / "t.csv")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train(tmp_path / name, "dataset=table", f"dataset.train={table}", f"seed={seed}") == 0
    a, b, c = (record_of(tmp_path / name)["metrics"] for name in "abc")
    assert a == b != c


def test_ctrl_c_keeps_the_last_checkpoint_and_says_how_to_go_on(tmp_path):
    table = write_table(tmp_path / "t.csv", 400)
    words = ["train", "dataset=table", f"dataset.train={table}", "trainer=cpu", "trainer.max_epochs=100000"]
    words += ["model.backbone.dim=8", "model.backbone.blocks=1", f"hydra.run.dir={tmp_path / 'out'}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "genolightning", *words],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job would ignore it
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "out" / "checkpoints" / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"genolightning train resume={tmp_path / 'out'}" in said
    assert run("train", f"resume={tmp_path / 'out'}", "trainer.max_epochs=1") == 0  # one epoch is done already
    assert record_of(tmp_path / "out")["metrics"]


def test_resuming_a_finished_run_does_nothing_and_says_so(trained, capsys):
    before = (trained / "out" / "record.json").read_bytes()
    assert run("train", f"resume={trained / 'out'}") == 0
    assert "is finished" in capsys.readouterr().out
    assert (trained / "out" / "record.json").read_bytes() == before


def test_the_record_says_when_the_split_leaks(tmp_path, capsys):
    table = write_table(tmp_path / "train.csv")
    words = ("dataset=table", f"dataset.train={table}", f"dataset.test={table}")  # tested on what it was trained on
    assert train(tmp_path / "out", *words) == 0
    judged = record_of(tmp_path / "out")["verdict"]
    assert judged["verdict"] == "leaky"
    assert "100.00% of the test rows repeat" in " ".join(judged["reasons"])
    assert "split original: leaky" in capsys.readouterr().out


def test_a_clean_split_of_the_published_rows_tears_no_group(tmp_path):
    dna = sequences(300, 80)
    half = [*dna, *dna[:60]]  # sixty rows stand twice
    lines = [f"{one.replace('C', 'A') if i % 2 else one},{i % 2}" for i, one in enumerate(half)]
    for name, part in (("train", lines[:300]), ("test", lines[300:])):
        (tmp_path / f"{name}.csv").write_text("sequence,label\n" + "\n".join(part) + "\n")
    words = ["dataset=table", f"dataset.train={tmp_path / 'train.csv'}", f"dataset.test={tmp_path / 'test.csv'}"]
    assert train(tmp_path / "a", *words) == 0
    assert train(tmp_path / "b", *words, "dataset.split=clean") == 0
    original, clean = record_of(tmp_path / "a"), record_of(tmp_path / "b")
    assert any("repeat" in reason for reason in original["verdict"]["reasons"])
    assert not any("repeat" in reason for reason in clean["verdict"]["reasons"])
    assert clean["split"].startswith("clean-")
    assert sum(clean["facts"]["rows"].values()) == 360
    rows = pl.read_parquet(tmp_path / "b" / "predictions.parquet")
    assert rows["target"].to_list() == [int(lines[i][-1]) for i in rows["index"]]


def test_a_callback_watches_what_the_user_says(tmp_path):
    from genolightning.config import compose
    from genolightning.config import objects as build
    from genolightning.training.tasks import Binary

    words = ["dataset=motifs", "callbacks=early_stopping"]
    for more, monitor, mode in (
        ([], "val/loss", "min"),
        (["+callbacks.early_stopping.monitor=val/auroc", "+callbacks.early_stopping.mode=max"], "val/auroc", "max"),
    ):
        (made,) = build.configured_callbacks(compose.compose("train", [*words, *more]).config, Binary())
        assert (made.monitor, made.mode) == (monitor, mode)
