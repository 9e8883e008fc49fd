"""The search side of a sweep: Optuna draws the points, and keeps them where several machines see them."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

from filelock import FileLock

from genolightning.commands import space as spaces
from genolightning.commands.say import say
from genolightning.commands.space import Point, Space
from genolightning.commands.sweep import Held, Worker, at_once, end, require
from genolightning.errors import UserError


def search(space: Space) -> list[Point]:
    """Draw and run `n_trials` points, going on with those a killed sweep left behind; returns all that were drawn."""
    require("optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawn = distributions(space)
    if not drawn:
        raise UserError(f"sweep {space.name} varies nothing; give a range, e.g. 'optimizer.lr=interval(1e-4,1e-2)'")
    first = spaces.point(space, [spaces.example(one, space.config_dir) for one in space.ranges])  # mistakes show here
    asked = f"{first.folder.name} {sorted(word.input_line for word in space.ranges)}"
    name = f"search-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    home = space.folder / name
    home.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=f"{space.name}-{name}",
        storage=space.settings["storage"] or _journal(home / "journal.log"),
        sampler=_sampler(space),
        pruner=optuna.pruners.MedianPruner() if space.settings["prune"] else optuna.pruners.NopPruner(),
        direction="maximize",  # scores that are better when smaller are told with a minus
        load_if_exists=True,
    )
    say(f"{space.settings['n_trials']} points in {home}")
    at_once(space, lambda worker: _work(study, space, home, drawn, worker))
    # a draw without values is one whose worker was killed while it drew
    points = {trial.number: _point(space, home, trial) for trial in study.trials if len(trial.params) == len(drawn)}
    _tell_best(study, points, home)
    return list(points.values())


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
            found[key] = kind(value.start, value.end, log=log)
        elif isinstance(value, RangeSweep) and isinstance(value.start, int) and isinstance(value.step, int):
            steps = range(value.start, int(value.stop or 0), value.step)
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


def _work(study: Any, space: Space, home: Path, drawn: dict[str, Any], worker: Worker) -> None:
    """Take points until there are none: first those whose worker was killed, then new ones."""
    import optuna

    lock = FileLock(home / ".draw.lock")  # while it is held nobody else draws: every draw that is seen is a whole one
    with lock:
        running = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING])
        left = [trial for trial in running if len(trial.params) == len(drawn)]
    for trial in left:
        if not worker.stopped.is_set():
            _run(study, optuna.trial.Trial(study, trial._trial_id), _point(space, home, trial), worker)
    while not worker.stopped.is_set():
        with lock:
            whole = sum(len(trial.params) == len(drawn) for trial in study.get_trials(deepcopy=False))
            if whole >= space.settings["n_trials"]:
                return
            trial = study.ask(drawn)
        _run(study, trial, _point(space, home, trial), worker)


def _run(study: Any, trial: Any, point: Point, worker: Worker) -> None:
    """Run one drawn point and tell the study; a point that was only stopped stays open for the next start."""
    import optuna

    with Held(point.folder) as held:
        if not held or study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            return
        say(f"starting {point.folder.name}  {' '.join(f'{key}={value}' for key, value in trial.params.items())}")
        pruned = False
        reported = set(study.get_trials(deepcopy=False)[trial.number].intermediate_values)

        def look() -> bool:
            nonlocal pruned
            for epoch, score in scores(point.folder):
                if epoch not in reported:
                    trial.report(score, epoch)
                    reported.add(epoch)
            pruned = trial.should_prune()
            return not pruned

        code = worker.run(point, look)
        told = scores(point.folder)
        if pruned and code != 0:
            say(f"pruned   {point.folder.name}")
            (point.folder / "error.txt").write_text("pruned: below the median of the others\n")
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
        end(point, code)
        if code == 0 and told:
            study.tell(trial, max(score for _, score in told))
        elif (point.folder / "error.txt").exists():
            study.tell(trial, state=optuna.trial.TrialState.FAIL)


def scores(folder: Path) -> list[tuple[int, float]]:
    """(epoch, watched validation score) so far, larger is better: a score that should be small has a minus."""
    try:
        status = json.loads((folder / "status.json").read_text())
        with (folder / "metrics.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(status["score_name"])]
    except (OSError, ValueError, KeyError):
        return []
    sign = -1 if status.get("mode") == "min" else 1
    return [(int(row["epoch"]), sign * float(row[status["score_name"]])) for row in rows]


def _tell_best(study: Any, points: dict[int, Point], home: Path) -> None:
    import optuna

    done = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    if done:
        best = max(done, key=lambda trial: trial.value)
        words = " ".join(points[best.number].words)
        (home / "best.txt").write_text(words + "\n")
        say("", f"best on validation: {best.number:04d}, {abs(best.value):.4f}", f"genolightning train {words}")
