"""What tests of several commands share."""

from pathlib import Path

import pytest

from genolightning.config.compose import compose


@pytest.fixture
def folder(tmp_path) -> Path:
    """A run folder that holds its config alone."""
    folder = tmp_path / "run"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(compose("train", ["model=cnn", "dataset=gue_tf_0", "seed=5"]).text)
    return folder
