"""A sweep as jobs of a cluster."""

import pytest

from genolightning.paths import logs_dir
from genolightning.sweeps.slurm import job_command
from tests.helpers.tiny import run


def test_the_slurm_script_is_printed_and_nothing_is_submitted(capsys):
    pytest.importorskip("submitit")
    words = ["seeds", "launcher=slurm", "launcher.slurm_partition=gpu", "workers=3", "dry_run=true", "model=cnn"]
    assert run("sweep", *words) == 0
    said = capsys.readouterr().out
    assert "#SBATCH --partition=gpu" in said
    assert "3 such jobs" in said
    assert job_command(words)[3:] == ["sweep", "seeds", "model=cnn", "workers=1", "launcher=null"]
    assert not logs_dir().exists()
