"""The grid of a sweep: every combination of the values that its keys take."""

from collections.abc import Sequence
from itertools import product

from genolightning.config.sweep_values import Interval, Varied
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.sweeps.locks import TrialLock
from genolightning.sweeps.search_space import Space, Trial, make_trial
from genolightning.sweeps.workers import Worker, report_exit, run_workers


def grid_trials(space: Space) -> list[Trial]:
    """Every combination as a trial. Each is composed, so a mistake in the last one is found before the first runs."""
    trials = [make_trial(space, values) for values in product(*[_overrides(varied) for varied in space.varied])]
    if not trials:
        varied = " ".join(varied.text for varied in space.varied) or "nothing"
        raise UserError(f"sweep {space.name} has no points; what it varies: {varied}")
    return trials


def _overrides(varied: Varied) -> list[str]:
    if isinstance(varied, Interval):
        raise UserError(f"{varied.text}: a grid cannot hold an interval; add sampler=tpe, or list values")
    return [f"{varied.key}={value}" for value in varied.values]


def run_grid(space: Space, trials: Sequence[Trial]) -> None:
    """Run the trials, several at a time if the sweep has several workers."""
    say(f"{len(trials)} points in {space.folder}")
    for trial in trials if space.settings["retry"] else []:
        (trial.folder / "error.txt").unlink(missing_ok=True)
    run_workers(space.settings["workers"], lambda worker: run_trials(trials, worker))


def run_trials(trials: Sequence[Trial], worker: Worker) -> None:
    """Run every trial that is not finished, failed or held by another worker, here or on another machine."""
    for trial in trials:
        if worker.stopped.is_set():
            return
        with TrialLock(trial.folder) as held:
            if held and not any((trial.folder / name).exists() for name in ("record.json", "error.txt")):
                say(f"starting {trial.folder.name}")
                worker.failures.note(report_exit(trial, worker.run(trial)))
