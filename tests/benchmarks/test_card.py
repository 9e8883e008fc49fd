"""Cards: the facts in the YAML files are whole, and agree with the files they speak of."""

import gzip

import pytest

from genolightning.benchmarks.card import composed, read_card
from genolightning.errors import UserError
from genolightning.paths import conf_dir
from genolightning.storage.checksums import sha256
from tests.helpers.make import write

FILES = sorted((conf_dir() / "dataset").glob("*.yaml"))
PUBLISHED = [file for file in FILES if file.stem.startswith(("gb_", "gue_"))]


def test_there_are_nine_genomic_benchmarks_and_28_gue_datasets():
    assert sum(file.stem.startswith("gb_") for file in FILES) == 9
    assert sum(file.stem.startswith("gue_") for file in FILES) == 28


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_dataset_is_short_and_says_what_it_is(file):
    assert len(file.read_text().splitlines()) <= 60
    card = read_card(file)
    assert card.about
    assert card.name == file.stem


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.stem)
def test_every_published_dataset_names_its_source_licence_and_paper(file):
    card = read_card(file)
    assert card.kind in ("binary", "multiclass")
    assert len(card.classes) == 2 or card.kind == "multiclass"
    assert all([card.source, card.licence, card.citation])


def test_shared_parts_lie_under_a_files_own_words_key_by_key(tmp_path):
    write(tmp_path / "base" / "low.yaml", "a: 1\ncard: {source: x, licence: y}\n")
    write(tmp_path / "base" / "mid.yaml", "defaults: [low@_here_, _self_]\na: 2\n")
    top = write(tmp_path / "top.yaml", "defaults: [base/mid@_here_, _self_]\ncard: {licence: z}\n")
    assert composed(top) == {"a": 2, "card": {"source": "x", "licence": "z"}}


def test_a_file_that_is_no_yaml_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"bad\.yaml") as caught:
        composed(write(tmp_path / "bad.yaml", "a: [1\nb: {"))
    assert "\n" not in str(caught.value)


@pytest.mark.real_data
@pytest.mark.parametrize("file", [file for file in FILES if file.stem.startswith("gb_")], ids=lambda file: file.stem)
def test_tables_have_the_rows_and_checksums_of_their_card(file, data_root):
    card = read_card(file)
    folder = data_root / "genomic_benchmarks" / card.name.removeprefix("gb_")
    rows = {"train": 0, "test": 0}
    for name, expected in card.sha256.items():
        assert sha256(folder / name) == expected
        rows[name.partition("/")[0]] += gzip.decompress((folder / name).read_bytes()).count(b"\n") - 1
    assert rows == card.rows
