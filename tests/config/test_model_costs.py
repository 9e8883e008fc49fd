"""What the models of the configs cost: a row a model, also of one that cannot be built."""

from pathlib import Path

import pytest

from genolightning.config.model_costs import ModelSpec, Timing, build_model, model_row
from genolightning.paths import conf_dir
from genolightning.runs import profiling
from genolightning.runs.profiling import Measurement

FILE = conf_dir() / "model" / "cnn_probe.yaml"


@pytest.mark.parametrize(("kind", "outputs"), [("binary", 1), ("multiclass", 3), ("multilabel", 3), ("regression", 1)])
def test_a_model_is_built_for_the_kind_of_targets(kind, outputs):
    model = build_model(ModelSpec("cnn_probe", kind, 64))
    batch = profiling.random_batch(2, 64, next(model.parameters()).device)
    assert model(batch).numel() == 2 * outputs


def test_a_row_has_cost_description_and_speed_where_speeds_are_given():
    row = model_row(ModelSpec("cnn_probe"), FILE)
    assert list(row) == ["model", "parameters", "flops_per_base", "kind", "length_bp", "about"]
    assert row["parameters"] > 0
    assert row["about"]
    assert model_row(ModelSpec("cnn_probe"), FILE, speeds={"cnn_probe": 7.0})["examples_per_s"] == 7.0
    assert model_row(ModelSpec("cnn_probe"), FILE, speeds={})["examples_per_s"] is None


def test_a_model_that_cannot_be_built_is_a_row_that_says_so():
    row = model_row(ModelSpec("no_such_model"), Path("none.yaml"))
    assert (row["parameters"], row["flops_per_base"]) == (None, None)
    assert row["about"].startswith("cannot be built: model=no_such_model: no such choice")


def test_a_length_that_should_take_too_long_is_left_out(monkeypatch):
    measured, reported = [], []

    def measure(build, length_bp: int, batch: int) -> Measurement:
        measured.append((length_bp, batch))
        return Measurement(1.0, 1000.0 * length_bp / 64, 2.0)

    monkeypatch.setattr(profiling, "measure_in_subprocess", measure)
    timing = Timing([64, 128, 1280], batch=2, max_s=3.0)
    row = model_row(ModelSpec("cnn_probe"), FILE, timing=timing, report=reported.append)
    assert measured == [(64, 2), (128, 2)]
    assert [one["why"] for one in row["timings"]] == [None, None, "over 3 s"]
    assert [one["length_bp"] for one in row["timings"]] == [64, 128, 1280]
    assert reported == ["timing cnn_probe"]
