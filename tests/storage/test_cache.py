from concurrent.futures import ThreadPoolExecutor

import pytest

from genolightning.paths import cache_dir
from genolightning.storage.cache import cache_key, cache_path, make_file_once


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))


def test_a_key_depends_on_every_value():
    keys = {cache_key(value) for value in ([1, "a"], [2, "a"], [1, "b"], ["a", 1], {"a": 1}, {"a": None})}
    assert len(keys) == 6


def test_a_path_lies_in_its_folder_and_keeps_prefix_and_suffix():
    path = cache_path("splits", [1, "x"], ".npz", prefix="kmer-")
    assert path.parent == cache_dir() / "splits"
    assert path.name == f"kmer-{cache_key([1, 'x'])[:32]}.npz"


def test_a_file_is_made_once_by_however_many():
    path, made = cache_path("things", 1, ".txt"), []

    def make(part):
        made.append(part)
        part.write_text("made")

    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: make_file_once(path, make), range(8)))
    assert set(paths) == {path}
    assert (len(made), path.read_text()) == (1, "made")


def test_a_file_that_could_not_be_made_is_not_there():
    path = cache_path("things", 2)
    with pytest.raises(ZeroDivisionError):
        make_file_once(path, lambda part: part.write_text(str(1 / 0)))
    assert not path.exists()
