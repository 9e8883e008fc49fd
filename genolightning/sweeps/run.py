"""Run a sweep: its whole grid, or the trials that a search draws."""

import shlex

from genolightning.console import say
from genolightning.errors import UserError
from genolightning.sweeps.grid import grid_trials, run_grid
from genolightning.sweeps.search_space import Space, Trial, split_warning
from genolightning.sweeps.workers import config_dir_option


def run_sweep(space: Space) -> list[Trial]:
    """Run what is not finished yet and return every trial; trials that fail are left with their error.txt."""
    if space.settings["sampler"] != "grid":
        from genolightning.sweeps.optuna_search import run_search

        say(*split_warning(space))
        return run_search(space)
    trials = grid_trials(space)
    say(*split_warning(space))
    run_grid(space, trials)
    return trials


def dry_run(space: Space) -> list[str]:
    """The commands that a grid would run, a line each; UserError for a search, which draws its trials as it goes."""
    if space.settings["sampler"] != "grid":
        raise UserError("dry_run=true: a search draws its points as it goes; add launcher=slurm to see a job's script")
    return [
        shlex.join(["genolightning", "train", *config_dir_option(trial), *trial.overrides])
        for trial in grid_trials(space)
    ]
