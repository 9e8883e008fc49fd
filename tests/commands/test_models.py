"""`genolightning models`: what a model costs, counted and measured."""

import json
import re
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from genolightning import cli
from genolightning.config import help as words
from genolightning.config.model_costs import ModelSpec, build_model
from genolightning.report.model_tables import MEASURES
from genolightning.runs import profiling as cost

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def call(monkeypatch, capsys):
    """Call `genolightning models ...` in this process; returns its exit code and what it printed."""

    def run(*given: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["genolightning", "models", *given])
        code = cli.main()
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, lines=printed.err.splitlines())

    return run


def count(model: str, length_bp: int, config_dir: Path | None = None) -> tuple[int, int | None]:
    spec = ModelSpec(model, "binary", length_bp, config_dir)
    return cost.count_cost(partial(build_model, spec), length_bp)


def flops(model: str, length_bp: int = 256) -> int:
    counted = count(model, length_bp)[1]
    assert counted is not None
    return counted


def test_flops_of_a_plain_network_are_those_on_paper():
    first, second = 2 * 6 * 64 * 3, 2 * 64 * 64 * 3  # two convolutions of three bases, two FLOPs a multiply-add
    assert flops("cnn_probe") == first + second + round(2 * 64 / 256), "and one linear map a sequence"


def test_a_fourier_transform_counts_as_5_n_log2_n_and_half_of_that_where_one_side_is_real():
    class Transforms(nn.Module):
        def __init__(self, *kinds: str) -> None:
            super().__init__()
            self.kinds, self.weight = kinds, nn.Parameter(torch.zeros(1, device="meta"))

        def forward(self, batch) -> None:
            x = batch.codes.float()
            for kind in self.kinds:
                x = torch.fft.irfft(x, n=64) if kind == "irfft" else getattr(torch.fft, kind)(x)

    whole = 5 * 64 * 6
    assert cost.forward_flops(Transforms("rfft"), 64) == whole / 2
    assert cost.forward_flops(Transforms("rfft", "irfft"), 64) == whole
    assert cost.forward_flops(Transforms("fft", "fft"), 64) == whole / 2 + whole, "the first one reads real numbers"


def test_both_strands_count_where_a_model_reads_both(tmp_path):
    (tmp_path / "model").mkdir()
    text = (ROOT / "conf" / "model" / "convnet.yaml").read_text()
    (tmp_path / "model" / "one_strand.yaml").write_text(text.replace("strand: joint", "strand: none"))
    once = count("one_strand", 256, tmp_path)[1]
    assert flops("convnet") == pytest.approx(2 * once, rel=1e-3)  # the head is twice as wide


def test_attention_grows_with_the_length_and_a_convolution_does_not():
    assert flops("transformer", 4096) > 1.5 * flops("transformer", 256)
    assert flops("convnet", 4096) == pytest.approx(flops("convnet", 256), rel=0.01)
    assert 1 < flops("hyena", 4096) / flops("hyena", 256) < 1.1, "the logarithm of the length, a small part of all"


def test_what_a_model_cannot_read_has_no_flops_but_still_its_parameters():
    parameters, none = count("hyenadna_tiny_1k", 2000)
    assert (parameters, none) == (436_096, None)


def test_a_model_is_counted_for_a_million_bases_without_computing_them(call):
    (row,) = json.loads(call("--model=deepsea", "--length-bp=1000000", "--json").out)
    assert row["parameters"] > 10**10, "its head reads every position: more numbers than a machine holds"


def test_counting_on_shapes_agrees_with_counting_a_real_pass():
    module = build_model(ModelSpec("transformer", "binary", 128))
    assert round(cost.forward_flops(module, 128) / 128) == pytest.approx(flops("transformer", 128), rel=0.1)
    module = build_model(ModelSpec("gated", "binary", 128))
    assert round(cost.forward_flops(module, 128) / 128) == flops("gated", 128)


def test_the_table_fits_a_terminal_and_holds_only_what_was_asked_for(call):
    told = call("--model", "c*")
    assert max(map(len, told.out.splitlines())) < 130
    assert {line.split()[0] for line in told.out.splitlines()[3:]} == {
        name for name in words.choices("model") if name.startswith("c")
    }


def test_a_batch_is_timed_in_a_process_of_its_own(call):
    (row,) = json.loads(call("--model=cnn", "--time", "--lengths=512,64", "--batch=64", "--json").out)
    short, long = row["timings"]
    assert (short["length_bp"], long["length_bp"]) == (64, 512)
    assert 0 < short["forward_ms"] < short["forward_backward_ms"] < long["forward_backward_ms"]
    assert long["memory_mb"] > short["memory_mb"] > 0
    # the first convolution's output and its gradient alone: 16 channels of float32
    assert long["memory_mb"] > 2 * 64 * 512 * 16 * 4 / 2**20


def test_a_cell_says_why_it_holds_no_number(call):
    told = call("--model=hyenadna_tiny_1k", "--time", "--lengths=2000")
    assert told.out.count("max 1,024") == len(MEASURES)
    told = call("--model=cnn_probe", "--time", "--lengths=64,256", "--most-s=0.000001")
    assert "over 1e-06 s" in told.out, "judged by the shorter rows"


def test_what_runs_out_of_memory_is_a_cell_and_not_the_end(monkeypatch):
    def fails(*_):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(cost, "_both", fails)
    assert cost.measure(partial(build_model, ModelSpec("cnn", "binary", 64)), 64, 1).why == "out of memory"


@pytest.mark.parametrize(
    "given",
    [
        ["--model=hyenna"],
        ["--length-bp=0"],
        ["--lengths=64,x", "--time"],
        ["--batch=-1", "--time"],
        ["--output=page.txt"],
        ["--output=no/such/folder/page.md"],
        ["--speed=no_such.json"],
    ],
)
def test_a_mistake_is_one_line(call, given):
    told = call(*given)
    assert (told.code, len(told.lines)) == (2, 1)
    assert given[0].partition("=")[2].split(",")[-1] in told.lines[0]


def test_the_page_has_a_row_a_model_and_its_speed(call, tmp_path):
    (tmp_path / "zoo.json").write_text(json.dumps({"examples_per_s": {"cnn": 12345.6}}))
    page = tmp_path / "page.md"
    told = call("--model=cnn*", f"--speed={tmp_path / 'zoo.json'}", f"--output={page}")
    assert told.code == 0
    assert re.search(r"^\| `cnn` \| 67,089 \| 3,\d{3} \| 12,346 \| The Genomic", page.read_text(), re.M)
    assert f"--speed={tmp_path / 'zoo.json'}" in page.read_text().splitlines()[2]
    assert re.search(r"^\| `cnn_probe` \| 13,633 \| 26,\d{3} \|  \| BEND's", page.read_text(), re.M)


def test_docs_say_the_parameters_that_models_have_now(call):
    page = (ROOT / "docs" / "models.md").read_text()
    first = page.split("## Time")[0]
    written = {
        name: int(count.replace(",", "")) for name, count in re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", first, re.M)
    }
    built = {row["model"]: row["parameters"] for row in json.loads(call("--json").out)}
    assert written == built, "write it again: genolightning models --time --speed FILE --output docs/models.md"
