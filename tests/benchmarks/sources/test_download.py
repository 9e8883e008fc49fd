"""Downloads against a server on this machine: whole, cut, changed, wrong and vanishing files."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from genolightning.benchmarks.sources.catalogue import Source
from genolightning.benchmarks.sources.download import LOCK_FILE, TRIES, fetch, pinned
from genolightning.errors import BadTable, ChecksumMismatch, UserError
from tests.helpers.server import Shelf, serve

DATA = b"\x1f\x8b" + np.random.default_rng(1).bytes(399_998)
SUM = hashlib.sha256(DATA).hexdigest()
PART = 160_000  # 40 %


@pytest.fixture(autouse=True)
def online(monkeypatch):
    for name in ("GENOLIGHTNING_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "GENOLIGHTNING_MIRROR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shelf():
    with serve(**{"a.gz": DATA}) as shelf:
        yield shelf


def source(shelf: Shelf, sha256: str | None = SUM) -> Source:
    return Source("genomes/a.gz", f"{shelf.url}/a.gz", sha256)


def bring(shelf: Shelf, root: Path, sha256: str | None = SUM) -> bool:
    return fetch(source(shelf, sha256), root, pause_s=0)


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def leave_a_part(shelf: Shelf, root: Path) -> None:
    """Stop a download at 40 %."""
    shelf.cut_at = [0.4]

    def stop(done: int, size: int | None) -> None:
        if done == PART:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(source(shelf), root, progress=stop, pause_s=0)
    assert (root / "genomes" / "a.gz.part").stat().st_size == PART
    shelf.asked.clear()


def test_a_whole_file_comes_whole_and_nothing_else_is_left(shelf, tmp_path):
    assert bring(shelf, tmp_path)
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == DATA
    assert files(tmp_path / "genomes") == ["a.gz"]


def test_a_file_that_is_there_is_not_asked_for_again(shelf, tmp_path):
    bring(shelf, tmp_path)
    shelf.asked.clear()
    assert not bring(shelf, tmp_path)
    assert shelf.asked == []


def test_a_cut_connection_is_gone_on_with_where_it_broke(shelf, tmp_path):
    shelf.cut_at = [0.4, 0.5]
    bring(shelf, tmp_path)
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == DATA
    assert [asked for _, asked in shelf.asked] == [None, f"bytes={PART}-", f"bytes={PART + 120_000}-"]


def test_a_part_left_by_an_earlier_call_is_gone_on_with(shelf, tmp_path):
    leave_a_part(shelf, tmp_path)
    bring(shelf, tmp_path)
    assert shelf.asked == [("/a.gz", f"bytes={PART}-")]
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == DATA


@pytest.mark.parametrize("etags", [True, False])
def test_a_part_of_a_file_that_changed_since_is_thrown_away(shelf, tmp_path, etags):
    shelf.etags = etags
    leave_a_part(shelf, tmp_path)
    other = b"\x1f\x8b" + np.random.default_rng(2).bytes(500_000)
    shelf.files["a.gz"], shelf.version = other, "two"
    bring(shelf, tmp_path, hashlib.sha256(other).hexdigest())
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == other


def test_a_file_changed_behind_an_equal_size_and_tag_is_fetched_anew(shelf, tmp_path):
    leave_a_part(shelf, tmp_path)
    other = DATA[::-1]
    shelf.files["a.gz"] = other
    bring(shelf, tmp_path, hashlib.sha256(other).hexdigest())
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == other


def test_a_source_that_became_shorter_than_the_part_is_fetched_anew(shelf, tmp_path):
    shelf.etags = False
    leave_a_part(shelf, tmp_path)
    short = DATA[:1000]
    shelf.files["a.gz"] = short
    bring(shelf, tmp_path, hashlib.sha256(short).hexdigest())
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == short


def test_a_server_without_ranges_is_asked_for_all_of_it_again(shelf, tmp_path):
    shelf.ranges = False
    shelf.cut_at = [0.4]
    bring(shelf, tmp_path)
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == DATA


def test_wrong_bytes_never_stand_under_the_final_name(shelf, tmp_path):
    with pytest.raises(ChecksumMismatch, match=f"{SUM}, wanted {'0' * 64}"):
        bring(shelf, tmp_path, "0" * 64)
    assert files(tmp_path / "genomes") == []


def test_a_present_file_with_another_sum_is_an_error_and_is_not_touched(shelf, tmp_path):
    (tmp_path / "genomes").mkdir()
    (tmp_path / "genomes" / "a.gz").write_bytes(b"mine")
    with pytest.raises(ChecksumMismatch, match="remove it and fetch again"):
        bring(shelf, tmp_path)
    assert (tmp_path / "genomes" / "a.gz").read_bytes() == b"mine"


def test_a_sum_that_no_card_knows_is_pinned_at_first_use(shelf, tmp_path):
    bring(shelf, tmp_path, None)
    assert pinned(tmp_path) == {"genomes/a.gz": SUM}
    (tmp_path / "genomes" / "a.gz").unlink()
    shelf.files["a.gz"] = DATA[::-1]
    with pytest.raises(ChecksumMismatch):
        bring(shelf, tmp_path, None)
    assert not (tmp_path / "genomes" / "a.gz").exists()


def test_a_spoilt_lock_file_is_one_line(shelf, tmp_path):
    (tmp_path / LOCK_FILE).write_text("{")
    with pytest.raises(BadTable, match="lock"):
        bring(shelf, tmp_path, None)


def test_a_web_page_in_place_of_a_genome_is_not_pinned(shelf, tmp_path):
    shelf.files["a.gz"] = b"<html>please log in</html>"
    with pytest.raises(BadTable, match=r"<html>.*no \.gz file"):
        bring(shelf, tmp_path, None)
    assert (files(tmp_path / "genomes"), pinned(tmp_path)) == ([], {})


def test_a_file_that_is_not_there_is_asked_for_once(shelf, tmp_path):
    del shelf.files["a.gz"]
    with pytest.raises(UserError, match="404"):
        bring(shelf, tmp_path)
    assert len(shelf.asked) == 1


def test_a_server_in_trouble_is_tried_again(shelf, tmp_path):
    shelf.failing = [500, 503, 429]
    assert bring(shelf, tmp_path)
    assert len(shelf.asked) == 4


def test_tries_have_an_end_and_the_part_is_kept(shelf, tmp_path):
    leave_a_part(shelf, tmp_path)
    shelf.failing = [500] * 100
    with pytest.raises(UserError, match=f"answered 500, {TRIES} times"):
        bring(shelf, tmp_path)
    assert len(shelf.asked) == TRIES
    assert (tmp_path / "genomes" / "a.gz.part").stat().st_size == PART


def test_a_server_that_is_gone_is_one_line(tmp_path):
    with serve() as shelf:
        pass
    with pytest.raises(UserError, match="times") as caught:
        bring(shelf, tmp_path)
    assert "\n" not in str(caught.value)


def test_offline_forbids_to_ask_but_not_to_use_what_is_there(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_OFFLINE", "1")
    with pytest.raises(UserError, match="GENOLIGHTNING_OFFLINE"):
        bring(shelf, tmp_path)
    (tmp_path / "genomes").mkdir()
    (tmp_path / "genomes" / "a.gz").write_bytes(DATA)
    assert not bring(shelf, tmp_path)
    assert shelf.asked == []


def test_the_proxy_of_the_environment_is_asked(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", shelf.url)
    monkeypatch.setenv("no_proxy", "")
    assert fetch(Source("genomes/a.gz", "http://far.invalid/a.gz", SUM), tmp_path, pause_s=0)
    assert shelf.asked == [("http://far.invalid/a.gz", None)]


def test_an_address_of_another_kind_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no address that can be fetched"):
        fetch(Source("a.gz", "gopher://a/a.gz", SUM), tmp_path, pause_s=0)


def test_two_at_once_download_it_once(shelf, tmp_path):
    got: list[bool] = []
    both = [threading.Thread(target=lambda: got.append(bring(shelf, tmp_path))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(got) == [False, True]
    assert len(shelf.asked) == 1


FETCH = """
import sys
from pathlib import Path
from genolightning.benchmarks.sources.download import fetch
from genolightning.benchmarks.sources.catalogue import Source
fetch(Source("genomes/a.gz", sys.argv[1], sys.argv[2]), Path(sys.argv[3]), pause_s=0)
"""


def test_a_fetch_killed_at_40_percent_goes_on_to_the_same_sha256(shelf, tmp_path):
    words = [sys.executable, "-c", FETCH, f"{shelf.url}/a.gz", SUM, str(tmp_path)]
    shelf.cut_at, shelf.stall = [0.4], threading.Event()
    killed = subprocess.Popen(words, env=os.environ | {"GENOLIGHTNING_OFFLINE": ""})
    part = tmp_path / "genomes" / "a.gz.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size >= 0.8 * PART) and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert files(tmp_path / "genomes") == ["a.gz.part", "a.gz.part.json"]
    had = part.stat().st_size
    shelf.stall.set()
    subprocess.run(words, env=os.environ | {"GENOLIGHTNING_OFFLINE": ""}, check=True)
    assert shelf.asked[-1] == ("/a.gz", f"bytes={had}-")
    assert hashlib.sha256((tmp_path / "genomes" / "a.gz").read_bytes()).hexdigest() == SUM
    assert files(tmp_path / "genomes") == ["a.gz"]
