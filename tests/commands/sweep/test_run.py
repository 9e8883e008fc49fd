"""`genolightning sweep`: what it prints without running anything."""

from genolightning.paths import logs_dir, sweeps_dir
from tests.helpers.tiny import run


def test_a_rehearsal_prints_the_points_and_runs_none(capsys):
    assert run("sweep", "seeds", "seed=range(1,3)", "dataset=motifs", "dry_run=true") == 0
    train = "genolightning train dataset=motifs seed="
    assert capsys.readouterr().out.splitlines() == [f"{train}1", f"{train}2"]
    assert run("sweep", "hyena_search", "dry_run=true") == 2
    assert "launcher=slurm" in capsys.readouterr().err
    assert not logs_dir().exists()


def test_a_rehearsal_names_the_folder_of_the_users_configs(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("# My own.\nseed: 1,2\n")
    assert run("sweep", "mine", "--config-dir", tmp_path, "dry_run=true") == 0
    assert capsys.readouterr().out.splitlines()[0] == f"genolightning train --config-dir {tmp_path} seed=1"


def test_help_lists_the_sweeps_and_shows_a_whole_search_with_its_quotes(capsys):
    assert run("sweep", "--help") == 0
    text = capsys.readouterr().out
    comment = (sweeps_dir() / "hyena_search.yaml").read_text().splitlines()[0].removeprefix("# ")
    assert f"hyena_search  {comment}" in text
    assert "'optimizer.lr=tag(log,interval(1e-4,1e-2))'" in text
    assert "DIR/NAME.yaml" in text
