"""A sweep's file and a user's overrides become a space; every mistake is one line before anything runs."""

from pathlib import Path

import pytest

from genolightning.errors import UserError
from genolightning.paths import logs_dir, sweeps_dir
from genolightning.sweeps.grid import grid_trials
from genolightning.sweeps.optuna_search import distributions
from genolightning.sweeps.search_space import example, make_trial, read_space, split_warning
from tests.helpers.tiny import run


@pytest.mark.parametrize("name", sorted(file.stem for file in sweeps_dir().glob("*.yaml")))
def test_every_shipped_sweep_composes(name):
    space = read_space(name, [])
    if space.settings["sampler"] == "grid":
        assert len(grid_trials(space)) > 1
    else:
        assert len(distributions(space)) > 1
        assert make_trial(space, [example(one) for one in space.varied]).overrides


def test_another_config_is_another_folder():
    one, other = (grid_trials(read_space("seeds", [f"trainer.max_epochs={n}"]))[0].folder for n in (1, 2))
    assert one != other
    assert one.parent == other.parent


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["nothing"], "no sweep 'nothing'"),
        (["seed"], "did you mean seeds"),
        (["seeds", "dataset=glob(zz*)"], "has no points"),
        (["seeds", "optimizer.lr=interval(1,2)"], "add sampler=tpe"),
        (["seeds", "model=cnn,convnett"], "no such choice"),
        (["seeds", "workers=0"], "1 or more"),
        (["seeds", "launcher=lsf"], "there are local, slurm"),
        (["seeds", "sampler=best"], "grid, tpe, random"),
        (["seeds", "sampler=tpe", "optimizer.lr=interval(2,1)"], "optimizer.lr=interval(2,1): `low <= high`"),
        (["seeds", "sampler=tpe", "seed=range(5,1)"], "seed=range(5,1): no number lies between these"),
        (["seeds", "sampler=tpe", "storage=foo"], "storage=foo: wanted an Optuna storage's URL"),
        (["seeds", "launcher=slurm", "dry_run=true", "launcher.foo=1"], "launcher: "),
    ],
)
def test_a_mistake_is_told_in_one_line_before_anything_runs(given, told, capsys):
    assert run("sweep", *given) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not logs_dir().exists()


def test_reading_a_broken_sweep_file_is_one_line(tmp_path):
    (tmp_path / "odd.yaml").write_text("- a\n- b\n")
    with pytest.raises(UserError, match="wanted lines of the form"):
        read_space("odd", [], Path(tmp_path))


def test_seeds_of_a_table_without_a_test_file_are_warned_about():
    table = ["dataset=table", "dataset.train=x.csv"]
    (line,) = split_warning(read_space("seeds", table))
    assert "add dataset.seed=1" in line
    for fixed in ([*table, "dataset.seed=1"], [*table, "dataset.test=y.csv"], [*table, "seed=1"], ["dataset=motifs"]):
        assert split_warning(read_space("seeds", fixed)) == []
    assert split_warning(read_space("seeds", ["dataset=gue_tf_0", "dataset.split=clean"])) != []
