"""`genolightning datasets export`: rows come back as they were, whatever the format."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate

from genolightning.benchmarks.interval_tables import IntervalTables
from genolightning.benchmarks.labelled_fasta import read_labelled_fasta
from genolightning.benchmarks.labelled_table import LabelledTable, read_table
from genolightning.benchmarks.sources.export import letters
from genolightning.commands.datasets import export as datasets_export
from genolightning.config import compose
from genolightning.errors import UserError
from genolightning.genome.codes import Codes
from tests.helpers.make import plain_slice, tiny_genome, write, write_fasta, write_gb_dataset

INTERVALS = """\
# tiny intervals
defaults: [base/intervals@_here_, _self_]
name: tiny
folder: tiny
assembly: tiny
classes: [negative, positive]
"""
TABLE = """\
# tiny table
defaults: [base/table@_here_, _self_]
name: letters
train: letters.csv
test: letters.csv
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path))
    write_fasta(tmp_path / "genomes" / "tiny.fa.gz")
    write_gb_dataset(tmp_path / "genomic_benchmarks" / "tiny", rows=6)
    write(tmp_path / "conf" / "dataset" / "tiny.yaml", INTERVALS)
    write(tmp_path / "conf" / "dataset" / "letters.yaml", TABLE)
    write(tmp_path / "letters.csv", "sequence,label\nacgtn,dog\nRRAC,cat\nTTTTTT,dog\n")
    return tmp_path


def export(root: Path, name: str, form: str, *words: str) -> Path:
    out = root / f"out-{name}-{form}"
    given = [name, "--format", form, "--output", str(out), f"--config-dir={root / 'conf'}", *words]
    assert datasets_export.main(given) == 0
    return out


def test_a_folder_has_one_file_a_sequence_without_a_line_end(root):
    out = export(root, "tiny", "folder")
    lines = (root / "genomic_benchmarks/tiny/test/negative.csv.gz").read_bytes()
    for line in gzip.decompress(lines).decode().split()[1:]:
        id, chrom, start, end, strand = line.split(",")
        expected = plain_slice(tiny_genome(), chrom, int(start), int(end), strand)
        assert (out / "test" / "negative" / f"{id}.txt").read_text() == expected
    assert len(list(out.rglob("*.txt"))) == 24


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["tiny", "letters"])
def test_an_exported_table_reads_back_as_the_same_rows(root, name, form):
    out = export(root, name, form)
    back = LabelledTable(train=out / f"train.{form}", test=out / f"test.{form}", id="id")
    again = export_of(root, name)
    for split in ("train", "test"):
        one, other = back.rows(split), again.rows(split)
        assert one.ids.tolist() == other.ids.tolist()
        names = [back.classes[i] for i in one.target], [again.classes[i] for i in other.target]
        assert names[0] == names[1]
        assert read_table(out / f"{split}.{form}").columns["sequence"] == letters(other.codes)


def export_of(root: Path, name: str) -> IntervalTables | LabelledTable:
    if name == "tiny":
        classes = ["negative", "positive"]
        return IntervalTables(name="tiny", folder="tiny", kind="binary", classes=classes, assembly="tiny")
    return LabelledTable(train=root / "letters.csv", test=root / "letters.csv")


def test_fasta_has_its_labels_in_the_headers(root):
    out = export(root, "letters", "fasta", "--split", "test")
    assert [file.name for file in out.iterdir()] == ["test.fa"]
    table = read_labelled_fasta(out / "test.fa")
    assert table.columns["label"] == ["dog", "cat", "dog"]
    assert table.columns["sequence"] == ["ACGTN", "NNAC", "TTTTTT"]


@pytest.mark.parametrize("kind", ["motifs_bases", "motifs_multilabel", "motifs_regression"])
def test_labels_of_every_kind_read_back(root, kind):
    out = export(root, kind, "csv", "--split", "test")
    options = {
        "motifs_bases": {"resolution_bp": 1, "classes": ["0", "1"]},
        "motifs_multilabel": {"kind": "multilabel"},
        "motifs_regression": {"kind": "regression"},
    }
    back = LabelledTable(train=out / "test.csv", id="id", **options[kind]).rows("train")
    rows = instantiate(compose.compose("train", [f"dataset={kind}"]).cfg.dataset, _convert_="all").benchmark.rows(
        "test"
    )
    assert back.target.tolist() == rows.target.tolist()
    assert back.ids.tolist() == rows.ids.tolist()


def test_overrides_reach_the_dataset(root):
    write(root / "other.csv", "sequence,label\nA,x\nC,y\n")
    out = export(root, "letters", "csv", "--split", "train", f"dataset.train={root / 'other.csv'}", "--json")
    assert (out / "train.csv").read_text() == "id,sequence,label\n0,A,x\n1,C,y\n"


def codes_of(data, split):
    source = data.source(split)
    arrays = source.row_arrays(np.arange(source.rows))
    return Codes.concat([Codes(row[None, :length]) for row, length in zip(arrays.codes, arrays.lengths, strict=True)])


@pytest.mark.parametrize(("name", "kind"), [("motifs", "clean"), ("motifs", "chromosome"), ("tiny", "clean")])
def test_a_re_split_is_written_as_training_reads_it(root, name, kind):
    words = [f"dataset.split={kind}", "seed=3"]
    out = export(root, name, "csv", *words)
    cfg = compose.compose("train", [f"dataset={name}", *words], config_dir=root / "conf").cfg
    data = instantiate(cfg.dataset, _convert_="all")
    written = {split: read_table(out / f"{split}.csv").columns for split in ("train", "test")}
    assert written["test"]["sequence"] == letters(codes_of(data, "test"))
    assert sorted(written["train"]["sequence"]) == sorted(
        letters(codes_of(data, "train")) + letters(codes_of(data, "validation"))
    )
    ids = [*written["train"]["id"], *written["test"]["id"]]
    assert len(set(ids)) == len(ids) == sum(len(data.benchmark.rows(split).index) for split in ("train", "test"))


def test_the_files_of_a_re_split_say_which_table_they_came_from(root, capsys):
    out = export(root, "tiny", "folder", "dataset.split=clean")
    assert "split clean-" in capsys.readouterr().out
    found = [path.relative_to(out).parts for path in out.rglob("*.txt")]
    assert len(found) == 24
    for _, label, file in found:
        table, _, name = file.removesuffix(".txt").partition("-")
        ids = gzip.decompress((root / f"genomic_benchmarks/tiny/{table}/{label}.csv.gz").read_bytes()).decode()
        assert f"\n{name}," in ids


def test_what_was_written_is_told(root, capsys):
    export(root, "tiny", "csv", "--json")
    assert json.loads(capsys.readouterr().out) == [{"split": "train", "rows": 12}, {"split": "test", "rows": 12}]


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("tiny", ["--split", "validation"], "no split 'validation' of its own; it has train, test"),
        ("motifs_regression", [], "one class a row"),
        ("tiny", ["genome"], "wanted key=value"),
        ("no_such", [], "no_such"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(root, name, words, told):
    with pytest.raises(UserError, match=told) as caught:
        export(root, name, "folder", *words)
    assert "\n" not in str(caught.value)
    assert [path for path in root.iterdir() if "out" in path.name or "draft" in path.name] == []


def test_an_id_that_cannot_name_a_file_leaves_nothing(root):
    write(root / "letters.csv", "sequence,label,id\nA,x,../../up\nC,y,2\n")
    with pytest.raises(UserError, match="take --format csv"):
        export(root, "letters", "folder", "dataset.id=id")
    assert [path for path in root.iterdir() if "out" in path.name or "draft" in path.name] == []


def test_a_folder_that_is_there_is_not_written_into(root):
    write(root / "out-tiny-csv" / "mine.txt", "mine")
    with pytest.raises(UserError, match="exists already"):
        export(root, "tiny", "csv")
    assert [file.name for file in (root / "out-tiny-csv").iterdir()] == ["mine.txt"]


def test_unknown_labels_among_several_are_not_written_as_absent(tmp_path):
    (tmp_path / "t.csv").write_text("sequence,a,b\nACGT,1,\nACGA,0,1\n")
    given = [f"dataset.train={tmp_path / 't.csv'}", "dataset.label=[a,b]", "--format", "csv"]
    with pytest.raises(UserError, match="some labels are unknown"):
        datasets_export.main(["table", *given, "--output", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
