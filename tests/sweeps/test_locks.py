"""Of several workers one runs a trial."""

from genolightning.sweeps.locks import TrialLock


def test_a_lock_that_is_held_is_false_to_everybody_else_and_free_afterwards(tmp_path):
    with TrialLock(tmp_path / "trial") as first, TrialLock(tmp_path / "trial") as second:
        assert (first, second) == (True, False)
    with TrialLock(tmp_path / "trial") as again:
        assert again
