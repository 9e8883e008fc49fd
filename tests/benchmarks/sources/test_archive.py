import gzip
import io
import tarfile
import zipfile

import pytest

from genolightning.benchmarks.sources.archive import members, ready_sequences
from genolightning.errors import BadTable

FILES = {"d/train/b/10.txt": b"AC", "d/train/b/9.txt": b"GT\n", "d/train/a/1.txt": b"TT", "d/test/a/1.txt": b"A"}


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("make", [zipped, tarred])
def test_ready_sequences_become_tables_by_class_and_number(tmp_path, make):
    counts = ready_sequences(make(tmp_path / "a.zip", FILES), tmp_path / "out")
    text = gzip.decompress((tmp_path / "out" / "train.tsv.gz").read_bytes()).decode()
    assert counts == {"train": 3, "test": 1}
    assert text == "id\tsequence\tlabel\n1\tTT\ta\n9\tGT\tb\n10\tAC\tb\n"


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", "d/../../x.txt", "C:/x.txt"])
def test_a_member_that_would_escape_is_refused(tmp_path, make, name):
    with pytest.raises(BadTable, match="would escape"):
        list(members(make(tmp_path / "a.zip", {name: b"A"})))


def test_another_layout_and_a_damaged_archive_are_refused(tmp_path):
    with pytest.raises(BadTable, match="the layout of ready sequences"):
        ready_sequences(zipped(tmp_path / "a.zip", {"a.txt": b"A"}), tmp_path)
    (tmp_path / "b.zip").write_bytes(b"no archive")
    with pytest.raises(BadTable, match="no whole zip or tar"):
        list(members(tmp_path / "b.zip"))
