"""On a cluster's login node, where Slurm's `srun` is in the PATH, nothing changes."""

import os
import subprocess
import sys

import pytest

from tests.helpers.tiny import write_table


@pytest.fixture
def login_node(tmp_path) -> dict[str, str]:
    """The environment of a login node: an `srun` that nothing should call."""
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text("#!/bin/sh\nexit 9\n")
    srun.chmod(0o755)
    return os.environ | {"PATH": f"{srun.parent}:{os.environ['PATH']}"}


def test_a_run_prints_no_warning_about_srun(login_node, tmp_path):
    table = write_table(tmp_path / "t.csv")
    command = ["train", "dataset=table", f"dataset.train={table}", "trainer=debug", "model.backbone.dim=8"]
    ended = subprocess.run(
        [sys.executable, "-m", "genolightning", *command, f"hydra.run.dir={tmp_path / 'run'}"],
        env=login_node,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert "srun" not in ended.stderr + ended.stdout
