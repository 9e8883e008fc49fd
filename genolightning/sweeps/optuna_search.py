"""The search side of a sweep: Optuna draws the points, and keeps them where several machines see them."""

import csv
import hashlib
import math
from pathlib import Path
from typing import Any

from filelock import FileLock

from genolightning.console import say
from genolightning.errors import UserError, constructor_errors
from genolightning.sweeps import search_space as spaces
from genolightning.sweeps.search_space import Point, Space
from genolightning.sweeps.status import read
from genolightning.sweeps.workers import INTERRUPTED, Held, Worker, at_once, end, require

SPARED = 3  # epochs before a draw may be ended: a process takes as long to start as a small model takes for these


def search(space: Space) -> list[Point]:
    """Draw and run `n_trials` points, going on with those a killed sweep left behind; returns all that were drawn."""
    require("optuna")
    drawn = distributions(space)
    study, home = opened(space)
    if space.settings["retry"]:
        _ask_again(study, home)
    say(f"{space.settings['n_trials']} points in {home}")
    at_once(space, lambda worker: _work(study, space, home, drawn, worker))
    points = {trial.number: _point(space, home, trial) for trial in _whole(study, drawn)}
    _tell_best(study, points, home)
    return list(points.values())


def opened(space: Space) -> tuple[Any, Path]:
    """The study that a space's draws are kept in, made where there is none yet; and the folder of its points."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not space.ranges:
        raise UserError(f"sweep {space.name} varies nothing; give a range, e.g. 'optimizer.lr=interval(1e-4,1e-2)'")
    first = spaces.point(space, [spaces.example(one, space.config_dir) for one in space.ranges])  # mistakes show here
    asked = f"{first.folder.name} {sorted(word.input_line for word in space.ranges)}"
    name = f"search-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    home = space.folder / name
    storage = space.settings["storage"]
    if storage and "://" not in str(storage):
        raise UserError(f"storage={storage}: wanted an Optuna storage's URL, e.g. sqlite:///search.db")
    home.mkdir(parents=True, exist_ok=True)
    never, median = optuna.pruners.NopPruner(), optuna.pruners.MedianPruner(n_warmup_steps=SPARED)
    study = optuna.create_study(
        study_name=f"{space.name}-{name}",
        storage=storage or _journal(home / "journal.log"),
        sampler=_sampler(space),
        pruner=median if space.settings["prune"] else never,
        direction="maximize",  # scores that are better when smaller are told with a minus
        load_if_exists=True,
    )
    return study, home


def distributions(space: Space) -> dict[str, Any]:
    """Hydra's ranges as Optuna's: a,b and glob are choices; `interval`, `range` and `tag(log, interval)` numbers."""
    from hydra.core.override_parser.types import IntervalSweep, RangeSweep
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for one in space.ranges:
        key, value = one.get_key_element(), one.value()
        log = "log" in getattr(value, "tags", ())
        if isinstance(value, IntervalSweep):
            whole = isinstance(value.start, int) and isinstance(value.end, int)
            kind: Any = IntDistribution if whole else FloatDistribution
            with constructor_errors(one.input_line):
                found[key] = kind(value.start, value.end, log=log)
        elif isinstance(value, RangeSweep) and isinstance(value.start, int) and isinstance(value.step, int):
            steps = range(value.start, int(value.stop or 0), value.step)
            if not steps:
                raise UserError(f"{one.input_line}: no number lies between these; write range(FIRST,END,STEP)")
            found[key] = IntDistribution(steps[0], steps[-1], step=value.step)
        else:
            names = [word.partition("=")[2] for word in spaces.choices(one, space.config_dir)]
            found[key] = CategoricalDistribution(names)
    return found


def _journal(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path))))


def _sampler(space: Space) -> Any:
    import optuna

    kind = optuna.samplers.TPESampler if space.settings["sampler"] == "tpe" else optuna.samplers.RandomSampler
    return kind()  # no seed: machines that join would all draw the same points


def _point(space: Space, home: Path, trial: Any) -> Point:
    folder = home / f"{trial.number:04d}"
    return Point([*space.fixed, *(f"{key}={value}" for key, value in trial.params.items())], folder)


def _whole(study: Any, drawn: dict[str, Any]) -> list[Any]:
    """The draws that count: not one whose worker was killed while it drew, nor one that was drawn again."""
    trials = study.get_trials(deepcopy=False)
    replaced = {trial.user_attrs.get("again") for trial in trials}
    return [trial for trial in trials if len(trial.params) == len(drawn) and trial.number not in replaced]


def _ask_again(study: Any, home: Path) -> None:
    """Let what failed be drawn once more: its words are the next to be run, in a folder of their own."""
    import optuna

    with _drawing(home):
        trials = study.get_trials(deepcopy=False)
        replaced = {trial.user_attrs.get("again") for trial in trials}
        for trial in trials:
            if trial.state == optuna.trial.TrialState.FAIL and trial.number not in replaced:
                study.enqueue_trial(trial.params, user_attrs={"again": trial.number})


def _drawing(home: Path) -> FileLock:
    return FileLock(home / ".draw.lock")  # while it is held nobody else draws: every draw that is seen is a whole one


def _work(study: Any, space: Space, home: Path, drawn: dict[str, Any], worker: Worker) -> None:
    """Take points until there are none: first those whose worker was killed, then new ones."""
    import optuna

    tried: set[int] = set()  # one that is stopped from outside is not taken up again at once
    while not worker.stopped.is_set():
        with _drawing(home):
            there = _whole(study, drawn)
            left = [one for one in there if one.number not in tried and not one.state.is_finished()]
            free = next((one for one in left if _is_free(home, one)), None)
            if free is not None:
                trial = optuna.trial.Trial(study, free._trial_id)
            elif len(there) < space.settings["n_trials"]:
                trial = study.ask(drawn)
                _point(space, home, trial).folder.mkdir(exist_ok=True)
            else:
                return
        tried.add(trial.number)
        _run(study, trial, _point(space, home, trial), worker)


def _is_free(home: Path, trial: Any) -> bool:
    folder = home / f"{trial.number:04d}"
    if not folder.is_dir():  # drawn on a machine with another file system: only that one goes on with it
        return False
    with Held(folder) as held:
        return held


def _run(study: Any, trial: Any, point: Point, worker: Worker) -> None:
    """Run one drawn point and tell the study; a point that was only stopped stays open for the next start."""
    from optuna.trial import TrialState

    with Held(point.folder) as held:
        so_far = study.get_trials(deepcopy=False)[trial.number]
        if not held or so_far.state.is_finished():
            return
        say(f"starting {point.folder.name}  {' '.join(f'{key}={value}' for key, value in trial.params.items())}")
        reported, pruned = set(so_far.intermediate_values), False

        def look() -> bool:
            nonlocal pruned
            for epoch, score in scores(point.folder):
                if epoch not in reported:
                    trial.report(score, epoch)
                    reported.add(epoch)
            trained = len(reported) == read(point.folder / "status.json").get("epochs")  # only its test is left to do
            pruned = not trained and trial.should_prune()
            return not pruned

        code = worker.run(point, look)
        if pruned and code in INTERRUPTED:
            say(f"pruned   {point.folder.name}")
            (point.folder / "error.txt").write_text("pruned: below the median of the others\n")
            study.tell(trial, state=TrialState.PRUNED)
            return
        end(point, code)
        told = scores(point.folder)
        if code == 0 and told:
            study.tell(trial, max(score for _, score in told))
        elif code not in INTERRUPTED:
            study.tell(trial, state=TrialState.FAIL)


def scores(folder: Path) -> list[tuple[int, float]]:
    """(epoch, watched validation score) so far, larger is better: a score that should be small has a minus."""
    said = read(folder / "status.json")
    try:
        with (folder / "metrics.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(said.get("score_name", ""))]
    except OSError:
        return []
    sign = -1 if said.get("mode") == "min" else 1
    found = [(int(row["epoch"]), sign * float(row[said["score_name"]])) for row in rows]
    return [(epoch, score) for epoch, score in found if math.isfinite(score)]


def _tell_best(study: Any, points: dict[int, Point], home: Path) -> None:
    import optuna

    done = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    if done:
        best = max(done, key=lambda trial: trial.value)
        words = " ".join(points[best.number].words)
        (home / "best.txt").write_text(words + "\n")
        say("", f"best on validation: {best.number:04d}, {abs(best.value):.4f}", f"genolightning train {words}")
