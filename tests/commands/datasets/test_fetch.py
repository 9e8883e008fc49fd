"""`genolightning datasets fetch`: what a dataset is made of, from a server on this machine."""

import gzip
import io
import json
import tarfile
import zipfile

import pytest

from genolightning.benchmarks.card import composed
from genolightning.benchmarks.sources.catalogue import GENOMES, TABLES, sources
from genolightning.commands.datasets import fetch as datasets_fetch
from genolightning.config import help as words
from genolightning.errors import BadTable, ChecksumMismatch, UserError
from tests.helpers.make import write
from tests.helpers.server import serve

NAME = "gb_demo_human_or_worm"
FOLDER = "sequences/places"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    with serve() as shelf:
        monkeypatch.setenv("GENOLIGHTNING_MIRROR", shelf.url)
        monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
        for name in ("GENOLIGHTNING_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield shelf


@pytest.fixture
def own(tmp_path):
    """Datasets of the user's own: a table, and interval tables."""
    write(
        tmp_path / "conf" / "dataset" / "mine.yaml",
        "# mine\nname: mine\ntrain: t/train.csv\ntest: t/test.csv\ncard: {sources: {t/: 'https://far.invalid/'}}\n",
    )
    write(
        tmp_path / "conf" / "dataset" / "places.yaml",
        "# places\nname: places\nfolder: places\nassembly: tiny\nclasses: [human, worm]\n"
        "card: {sources: {genomic_benchmarks/: 'https://far.invalid/', sequences/: 'https://far.invalid/'}}\n",
    )
    return f"--config-dir={tmp_path / 'conf'}"


@pytest.fixture
def places(shelf):
    """The tables of `places` on the server."""
    table = gzip.compress(b"id,region,start,end,strand\n9,chr1,0,4,+\n10,chr1,4,8,+\n", mtime=0)
    for file in ("train/human.csv.gz", "train/worm.csv.gz", "test/human.csv.gz", "test/worm.csv.gz", "metadata.yaml"):
        shelf.files[f"genomic_benchmarks/places/{file}"] = table
    return shelf


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, text in members.items():
            zipped.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize("name", [name for name in words.choices("dataset") if name[:3] in ("gb_", "gue", "nt_")])
def test_every_published_dataset_says_where_all_its_files_come_from(name, monkeypatch):
    monkeypatch.delenv("GENOLIGHTNING_MIRROR", raising=False)
    facts = composed(words.choices("dataset")[name])
    files = [source for kind in (TABLES, GENOMES) for source in sources(facts, kind)]
    assert len(files) >= 2
    assert len({source.url for source in files}) == len(files)
    assert all(source.url.startswith("https://") and "//" not in source.url[8:] for source in files)
    hashes = {source.sha256 for source in files} - {None}
    assert hashes == set(facts["card"].get("sha256", {}).values())


def test_files_are_fetched_and_a_second_call_finds_them_there(shelf, own, tmp_path, capsys):
    shelf.files |= {"t/train.csv": b"sequence,label\nA,0\n", "t/test.csv": b"sequence,label\nC,1\n"}
    assert datasets_fetch.main(["mine", own, "--json"]) == 0
    assert [row["was"] for row in json.loads(capsys.readouterr().out)] == ["fetched", "fetched"]
    assert (tmp_path / "data" / "t" / "train.csv").read_bytes() == shelf.files["t/train.csv"]
    datasets_fetch.main(["mine", own])
    assert capsys.readouterr().out.split() == ["there", "t/train.csv", "there", "t/test.csv"]


def test_a_gzipped_copy_counts_as_there_if_its_text_is_the_published_one(shelf, tmp_path):
    facts = composed(words.choices("dataset")["gue_tf_0"])
    (train, *_) = sources(facts, TABLES)
    assert train.sha256
    write(tmp_path / "data" / (train.path + ".gz"), "sequence,label\nA,0\n")
    with pytest.raises(ChecksumMismatch, match="train.csv.gz"):
        datasets_fetch.main(["gue_tf_0"])


def test_wrong_tables_from_a_mirror_are_refused(shelf, tmp_path):
    facts = composed(words.choices("dataset")[NAME])
    shelf.files |= {
        source.path: gzip.compress(b"id,region,start,end,strand\n", mtime=0) for source in sources(facts, TABLES)
    }
    with pytest.raises(ChecksumMismatch):
        datasets_fetch.main([NAME, "--tables-only"])
    assert [file for file in (tmp_path / "data").rglob("*") if file.is_file()] == []


def test_ready_sequences_become_one_table_a_split(places, own, tmp_path, capsys):
    members = {f"demo/{split}/{label}/{n}.txt": "ACGT"[n % 4] * 4 for n in (10, 9) for label in ("worm", "human")
               for split in ("train", "test")}  # fmt: skip
    places.files[f"{FOLDER}_v0.zip"] = archive(**members)
    datasets_fetch.main(["places", "--sequences", "--json", own])
    capsys.readouterr()
    text = gzip.decompress((tmp_path / "data" / FOLDER / "train.tsv.gz").read_bytes()).decode()
    assert text.splitlines()[1:] == ["9\tCCCC\thuman", "10\tGGGG\thuman", "9\tCCCC\tworm", "10\tGGGG\tworm"]
    assert not (tmp_path / "data" / f"{FOLDER}_v0.zip").exists()
    places.asked.clear()
    datasets_fetch.main(["places", "--sequences", own])
    assert places.asked == []


@pytest.mark.parametrize("name", ["../../train/a/1.txt", "/train/a/1.txt", "x/../../a/1.txt", "C:/train/a/1.txt"])
def test_a_zip_member_that_would_escape_its_folder_is_refused(places, own, tmp_path, name):
    places.files[f"{FOLDER}_v0.zip"] = archive(**{"d/train/a/1.txt": "A", name: "A"})
    with pytest.raises(BadTable, match="escape"):
        datasets_fetch.main(["places", "--sequences", own])
    assert not (tmp_path / "data" / FOLDER).exists()


def test_a_link_in_a_tar_is_refused(tmp_path):
    from genolightning.benchmarks.sources.archive import members

    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tarred:
        link = tarfile.TarInfo("train/a/1.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tarred.addfile(link)
    with pytest.raises(BadTable, match="escape"):
        list(members(tmp_path / "a.tar.gz"))


def test_half_an_archive_is_refused(tmp_path):
    from genolightning.benchmarks.sources.archive import members

    (tmp_path / "a.zip").write_bytes(archive(**{"d/train/a/1.txt": "ACGT" * 100})[:60])
    with pytest.raises(BadTable, match="no whole zip or tar"):
        list(members(tmp_path / "a.zip"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["gb_human_enhancers_con"], "did you mean gb_human_enhancers_cohn"),
        (["motifs"], "no files to fetch"),
        (["gue_tf_0", "--sequences"], "already"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_one_line(shelf, given, told):
    with pytest.raises(UserError, match=told) as caught:
        datasets_fetch.main(given)
    assert "\n" not in str(caught.value)


def test_offline_is_one_line_that_says_what_to_unset(shelf, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_OFFLINE", "1")
    with pytest.raises(UserError, match="unset GENOLIGHTNING_OFFLINE"):
        datasets_fetch.main(["gue_tf_0"])
    assert shelf.asked == []


def test_a_data_root_that_cannot_be_written_is_one_line(shelf, own, tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="GENOLIGHTNING_DATA"):
        datasets_fetch.main(["mine", own])


def test_a_dataset_without_a_source_says_so(shelf, tmp_path):
    write(tmp_path / "conf" / "dataset" / "lost.yaml", "# lost\nname: lost\ntrain: t/train.csv\n")
    with pytest.raises(UserError, match="names no source"):
        datasets_fetch.main(["lost", f"--config-dir={tmp_path / 'conf'}"])
