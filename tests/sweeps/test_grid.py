"""A grid is every combination; nothing finished is run again, and one that fails does not stop the rest."""

from genolightning.sweeps.grid import grid_trials, run_trials
from genolightning.sweeps.locks import TrialLock
from genolightning.sweeps.search_space import read_space
from genolightning.sweeps.status import run_state
from tests.helpers.sweeps import StubWorker


def test_a_grid_is_every_combination_and_words_take_the_place_of_the_file():
    trials = grid_trials(read_space("seeds", ["model=cnn,convnet", "seed=range(1,4)"]))
    assert [trial.overrides for trial in trials] == [
        [f"seed={seed}", f"model={model}"] for seed in (1, 2, 3) for model in ("cnn", "convnet")
    ]
    assert len({trial.folder for trial in trials}) == 6


def test_nothing_finished_is_run_again_and_a_failure_does_not_stop_the_rest():
    trials = grid_trials(read_space("seeds", []))
    first, second = StubWorker(), StubWorker()
    run_trials(trials, first)
    assert len(first.ran) == 5
    run_trials(trials, second)
    assert second.ran == []
    failed = [run_state(trial.folder, "x") for trial in trials if (trial.folder / "error.txt").exists()]
    assert [(one.state, one.about) for one in failed] == [("failed", "genolightning: three is refused")]


def test_a_point_that_another_worker_holds_is_left_to_it():
    trials = grid_trials(read_space("seeds", []))
    worker = StubWorker()
    with TrialLock(trials[0].folder) as held:
        assert held
        run_trials(trials, worker)
    assert [words.split()[0] for words in worker.ran] == [f"seed={seed}" for seed in (2, 3, 4, 5)]


class FailingWorker(StubWorker):
    """A worker whose trials all fail with the same message."""

    def run(self, trial, keep_running=lambda: True, *, every_s=2.0) -> int:
        self.ran.append(trial.folder.name)
        (trial.folder / "output.txt").write_text("genolightning: no such choice\n")
        return 2


def test_a_sweep_whose_first_trials_all_fail_alike_stops(capsys):
    worker = FailingWorker()
    run_trials(grid_trials(read_space("seeds", [])), worker)
    assert len(worker.ran) == 3
    assert "stopped: the first 3 points failed with the same message" in capsys.readouterr().out


def test_a_trial_that_succeeded_keeps_a_sweep_going():
    worker = FailingWorker()
    worker.failures.note(None)
    run_trials(grid_trials(read_space("seeds", [])), worker)
    assert len(worker.ran) == 5
