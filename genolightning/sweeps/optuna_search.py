"""A search: Optuna draws the trials of a sweep, and stores the draws where several machines can read them."""

import csv
import hashlib
import math
from pathlib import Path
from typing import Any

from genolightning.config.sweep_values import Interval, Range
from genolightning.console import say
from genolightning.errors import UserError, constructor_errors
from genolightning.sweeps.locks import TrialLock, drawing
from genolightning.sweeps.search_space import Space, Trial, example, make_trial
from genolightning.sweeps.status import read_json
from genolightning.sweeps.workers import INTERRUPTED, Worker, report_exit, require, run_workers

WARMUP_EPOCHS = 3  # before a draw may be ended: a process takes as long to start as a small model takes for these


def run_search(space: Space) -> list[Trial]:
    """Draw and run `n_trials` trials, going on with those a killed sweep left behind; returns all that were drawn."""
    require("optuna")
    drawn = distributions(space)
    study, folder = open_study(space)
    if space.settings["retry"]:
        _draw_failed_again(study, folder)
    say(f"{space.settings['n_trials']} points in {folder}")
    run_workers(space.settings["workers"], lambda worker: _work(study, space, folder, drawn, worker))
    trials = {draw.number: _trial(space, folder, draw) for draw in _complete_draws(study, drawn)}
    _report_best(study, trials, folder)
    return list(trials.values())


def open_study(space: Space) -> tuple[Any, Path]:
    """The Optuna study of a space's draws, made where there is none yet, and the folder of its trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not space.varied:
        raise UserError(f"sweep {space.name} varies nothing; give a range, e.g. 'optimizer.lr=interval(1e-4,1e-2)'")
    first = make_trial(space, [example(varied) for varied in space.varied])  # mistakes show here
    searched = f"{first.folder.name} {sorted(varied.text for varied in space.varied)}"
    name = f"search-{hashlib.sha256(searched.encode()).hexdigest()[:8]}"
    folder = space.folder / name
    storage = space.settings["storage"]
    if storage and "://" not in str(storage):
        raise UserError(f"storage={storage}: wanted an Optuna storage's URL, e.g. sqlite:///search.db")
    folder.mkdir(parents=True, exist_ok=True)
    never, median = optuna.pruners.NopPruner(), optuna.pruners.MedianPruner(n_warmup_steps=WARMUP_EPOCHS)
    study = optuna.create_study(
        study_name=f"{space.name}-{name}",
        storage=storage or _journal(folder / "journal.log"),
        sampler=_sampler(space),
        pruner=median if space.settings["prune"] else never,
        direction="maximize",  # scores that are better when smaller are negated
        load_if_exists=True,
    )
    return study, folder


def distributions(space: Space) -> dict[str, Any]:
    """What is varied as Optuna's distributions: a,b and glob are categories, intervals and ranges numbers."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    drawn: dict[str, Any] = {}
    for varied in space.varied:
        if isinstance(varied, Interval):
            kind: Any = IntDistribution if varied.whole else FloatDistribution
            with constructor_errors(varied.text):
                drawn[varied.key] = kind(varied.low, varied.high, log=varied.log)
        elif isinstance(varied, Range):
            if not varied.numbers:
                raise UserError(f"{varied.text}: no number lies between these; write range(FIRST,END,STEP)")
            drawn[varied.key] = IntDistribution(varied.numbers[0], varied.numbers[-1], step=varied.step)
        else:
            drawn[varied.key] = CategoricalDistribution(list(varied.values))
    return drawn


def _journal(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))


def _sampler(space: Space) -> Any:
    import optuna

    kind = optuna.samplers.TPESampler if space.settings["sampler"] == "tpe" else optuna.samplers.RandomSampler
    return kind()  # no seed: machines that join would all draw the same trials


def _trial(space: Space, folder: Path, draw: Any) -> Trial:
    overrides = [*space.fixed, *(f"{key}={value}" for key, value in draw.params.items())]
    return Trial(overrides, folder / f"{draw.number:04d}", space.config_dir)


def _complete_draws(study: Any, drawn: dict[str, Any]) -> list[Any]:
    """The draws that count: not one whose worker was killed while it drew, nor one that was drawn again."""
    draws = study.get_trials(deepcopy=False)
    replaced = {draw.user_attrs.get("again") for draw in draws}
    return [draw for draw in draws if len(draw.params) == len(drawn) and draw.number not in replaced]


def _draw_failed_again(study: Any, folder: Path) -> None:
    """Queue the values of each failed trial once more: they are the next to be run, in a folder of their own."""
    import optuna

    with drawing(folder):
        draws = study.get_trials(deepcopy=False)
        replaced = {draw.user_attrs.get("again") for draw in draws}
        for draw in draws:
            if draw.state == optuna.trial.TrialState.FAIL and draw.number not in replaced:
                study.enqueue_trial(draw.params, user_attrs={"again": draw.number})


def _work(study: Any, space: Space, folder: Path, drawn: dict[str, Any], worker: Worker) -> None:
    """Run trials until there are none: first those whose worker was killed, then new ones."""
    tried: set[int] = set()  # a trial that was stopped from outside is not run again at once
    while not worker.stopped.is_set():
        draw = _next_draw(study, space, folder, drawn, tried)
        if draw is None:
            return
        tried.add(draw.number)
        _run(study, draw, _trial(space, folder, draw), worker)


def _next_draw(study: Any, space: Space, folder: Path, drawn: dict[str, Any], tried: set[int]) -> Any:
    import optuna

    with drawing(folder):
        draws = _complete_draws(study, drawn)
        unfinished = [draw for draw in draws if draw.number not in tried and not draw.state.is_finished()]
        free = next((draw for draw in unfinished if _is_free(folder, draw)), None)
        if free is not None:
            return optuna.trial.Trial(study, free._trial_id)
        if len(draws) >= space.settings["n_trials"]:
            return None
        draw = study.ask(drawn)
        _trial(space, folder, draw).folder.mkdir(exist_ok=True)
        return draw


def _is_free(folder: Path, draw: Any) -> bool:
    trial_folder = folder / f"{draw.number:04d}"
    if not trial_folder.is_dir():  # drawn on a machine with another file system: only that one goes on with it
        return False
    with TrialLock(trial_folder) as held:
        return held


def _run(study: Any, draw: Any, trial: Trial, worker: Worker) -> None:
    """Run one draw and report it to the study; a trial that was only interrupted stays open for the next start."""
    from optuna.trial import TrialState

    with TrialLock(trial.folder) as held:
        so_far = study.get_trials(deepcopy=False)[draw.number]
        if not held or so_far.state.is_finished():
            return
        say(f"starting {trial.folder.name}  {' '.join(f'{key}={value}' for key, value in draw.params.items())}")
        pruner = _Pruner(draw, trial.folder, set(so_far.intermediate_values))
        code = worker.run(trial, pruner.keep_running)
        if pruner.pruned and code in INTERRUPTED:
            say(f"pruned   {trial.folder.name}")
            (trial.folder / "error.txt").write_text("pruned: below the median of the others\n")
            study.tell(draw, state=TrialState.PRUNED)
            return
        worker.failures.note(report_exit(trial, code))
        scores = validation_scores(trial.folder)
        if code == 0 and scores:
            study.tell(draw, max(score for _, score in scores))
        elif code not in INTERRUPTED:
            study.tell(draw, state=TrialState.FAIL)


class _Pruner:
    """Reports the validation scores of a running trial to its study, and decides whether it should go on."""

    def __init__(self, draw: Any, folder: Path, reported: set[int]) -> None:
        self.draw, self.folder, self.reported = draw, folder, reported
        self.pruned = False

    def keep_running(self) -> bool:
        for epoch, score in validation_scores(self.folder):
            if epoch not in self.reported:
                self.draw.report(score, epoch)
                self.reported.add(epoch)
        trained = len(self.reported) == read_json(self.folder / "status.json").get("epochs")  # only its test is left
        self.pruned = not trained and self.draw.should_prune()
        return not self.pruned


def validation_scores(folder: Path) -> list[tuple[int, float]]:
    """(epoch, validation score) of a run so far, larger is better: a score that should be small is negated."""
    status = read_json(folder / "status.json")
    try:
        with (folder / "metrics.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(status.get("score_name", ""))]
    except OSError:
        return []
    sign = -1 if status.get("mode") == "min" else 1
    scores = [(int(row["epoch"]), sign * float(row[status["score_name"]])) for row in rows]
    return [(epoch, score) for epoch, score in scores if math.isfinite(score)]


def _report_best(study: Any, trials: dict[int, Trial], folder: Path) -> None:
    import optuna

    done = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    if done:
        best = max(done, key=lambda draw: draw.value)
        overrides = " ".join(trials[best.number].overrides)
        (folder / "best.txt").write_text(overrides + "\n")
        say("", f"best on validation: {best.number:04d}, {abs(best.value):.4f}", f"genolightning train {overrides}")
