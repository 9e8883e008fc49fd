"""What every test may lean on: one thread, no network, caches and logs of its own."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Each test has its own cache and logs, and no connection is ever opened."""
    monkeypatch.setenv("GENOLIGHTNING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("GENOLIGHTNING_OFFLINE", "1")


@pytest.fixture
def data_root() -> Path:
    """The folder of real data; a fresh clone has none and its `real_data` tests are skipped."""
    root = os.environ.get("GENOLIGHTNING_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("GENOLIGHTNING_DATA names no folder of real data")
    return Path(root)
