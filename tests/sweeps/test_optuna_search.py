"""A search draws, prunes, fails and finishes; what is finished is not run again."""

import pytest

from genolightning.sweeps.optuna_search import run_search
from genolightning.sweeps.search_space import read_space
from genolightning.sweeps.status import run_state


def test_a_search_prunes_fails_and_finishes_and_a_second_start_runs_nothing(tmp_path, monkeypatch):
    optuna = pytest.importorskip("optuna")
    space = read_space("seeds", ["sampler=random", "n_trials=6", "seed=1,2", "optimizer.lr=tag(log,interval(1e-4,.1))"])
    ran: list[str] = []

    def fake(self, trial, keep_running=lambda: True, *, every_s=2.0) -> int:
        number = len(ran)
        ran.append(trial.folder.name)
        if number == 1:
            (trial.folder / "output.txt").write_text("genolightning: bad\n")
            return 2
        (trial.folder / "status.json").write_text('{"score_name": "val/loss", "mode": "min"}')
        rows = "".join(f"{epoch},{epoch},{1 + number / 10}\n" for epoch in range(3))
        (trial.folder / "metrics.csv").write_text("step,epoch,val/loss\n" + rows)
        keep_running()
        (trial.folder / "record.json").write_text("{}")
        return 0

    monkeypatch.setattr("genolightning.sweeps.workers.Worker.run", fake)
    trials = run_search(space)
    assert ran == [f"{number:04d}" for number in range(6)]
    run_search(space)
    assert len(ran) == 6
    home = trials[0].folder.parent
    assert (home / "best.txt").read_text().split() == trials[0].overrides  # a loss: the smallest is best
    assert run_state(trials[1].folder, "x").state == "failed"
    assert optuna


def test_what_failed_in_a_search_is_drawn_again_once_on_request(monkeypatch):
    pytest.importorskip("optuna")
    words = ["sampler=random", "n_trials=2", "seed=1,2", "optimizer.lr=interval(1e-4,.1)"]
    ran: list[list[str]] = []

    def fake(self, trial, keep_running=lambda: True, *, every_s=2.0) -> int:
        ran.append(trial.overrides)
        if len(ran) == 1:
            (trial.folder / "output.txt").write_text("genolightning: bad\n")
            return 2
        (trial.folder / "status.json").write_text('{"score_name": "val/loss", "mode": "min"}')
        (trial.folder / "metrics.csv").write_text("step,epoch,val/loss\n0,0,0.5\n")
        (trial.folder / "record.json").write_text("{}")
        return 0

    monkeypatch.setattr("genolightning.sweeps.workers.Worker.run", fake)
    run_search(read_space("seeds", words))
    trials = [run_search(read_space("seeds", [*words, "retry=true"])) for _ in range(2)][-1]
    assert len(ran) == 3
    assert ran[2] == ran[0]
    assert {trial.folder.name for trial in trials} == {"0001", "0002"}
