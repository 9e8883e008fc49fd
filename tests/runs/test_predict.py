"""Predictions for new DNA: rows in the order of their file, coordinates of intervals and their tiles beside them."""

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import polars
import pytest
import torch

from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.runs.load import TrainedModel
from genolightning.runs.predict import check_output, predict_file, with_class
from genolightning.training.tasks import for_facts
from tests.helpers.make import plain_slice, tiny_genome, write_bed, write_fasta
from tests.helpers.training import FACTS, module


@pytest.fixture
def trained() -> TrainedModel:
    torch.manual_seed(0)
    return TrainedModel(module().eval(), FACTS, for_facts(FACTS), {})


def predicted(trained: TrainedModel, source: Path, **more) -> polars.DataFrame:
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    parts = source.with_name("parts")
    frames = list(predict_file(trained, trainer, source, parts, **more))
    assert not parts.exists() or not list(parts.rglob("*.part"))
    return polars.concat(frames)


def test_a_fasta_is_predicted_in_its_order(trained, tmp_path):
    records = {"b": "ACGT" * 8, "a": "GGGTT" * 5, "c": "A" * 30}
    frame = predicted(trained, write_fasta(tmp_path / "in.fa", records), batch_size=2)
    assert frame["id"].to_list() == ["b", "a", "c"]
    assert frame["index"].to_list() == [0, 1, 2]
    np.testing.assert_allclose(frame["p_b"], trained.predict(list(records.values())), atol=1e-6)
    np.testing.assert_allclose(frame["p_a"] + frame["p_b"], 1, atol=1e-6)
    assert frame["predicted"].to_list() == ["b" if p > 0.5 else "a" for p in frame["p_b"]]


def test_intervals_keep_their_coordinates_and_tiles_have_their_own(trained, tmp_path):
    genome = write_fasta(tmp_path / "g.fa")
    bed = write_bed(tmp_path / "in.bed", [("chr1", 10, 90, "x", 0, "+"), ("chr1", 100, 180, "y", 0, "-")])
    plain = predicted(trained, bed, genome=genome)
    assert plain.select("chrom", "start", "end", "strand").rows() == [
        ("chr1", 10, 90, "+"),
        ("chr1", 100, 180, "-"),
    ]
    tiled = predicted(trained, bed, genome=genome, tile_bp=30)
    for chrom, start, end, strand, p in tiled.select("chrom", "start", "end", "strand", "p_b").rows():
        letters = plain_slice(tiny_genome(), chrom, start, end, strand)
        np.testing.assert_allclose(trained.predict([letters]), p, atol=1e-6)
    assert sorted({(row["index"], row["strand"]) for row in tiled.to_dicts()}) == [(0, "+"), (1, "-")]


def test_a_file_that_is_not_there_is_looked_for_in_both_places(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    with pytest.raises(UserError, match="there is no such file; looked for .* and .*data/none.fa"):
        next(predict_file(trained, None, "none.fa", tmp_path / "parts"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.txt", "ends in .parquet or .csv"), ("folder.csv", "is a folder"), ("none/out.csv", "make it first")],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path, name, message):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=message):
        check_output(tmp_path / name)
    check_output(tmp_path / "out.parquet")


def test_the_class_of_the_largest_probability_is_added_where_there_is_one_a_row():
    frame = polars.DataFrame({"p_a": [0.2, 0.5], "p_b": [0.7, 0.2], "p_c": [0.1, 0.3]})
    exclusive = Facts("multiclass", ["a", "b", "c"], 9, 9)
    assert with_class(frame, exclusive)["predicted"].to_list() == ["b", "a"]
    for other in (exclusive._replace(kind="multilabel"), exclusive._replace(resolution_bp=1)):
        assert with_class(frame, other) is frame
