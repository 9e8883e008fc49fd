"""Lightning's own messages are silenced, ours are not."""

import warnings

from lightning.pytorch.callbacks import TQDMProgressBar

from genolightning.runs.progress import progress_callback, silence_lightning


def test_a_warning_of_ours_is_still_shown():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        silence_lightning()
        warnings.warn("The `srun` command is available on your system but is not used", stacklevel=1)
        warnings.warn("a row was dropped", stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["a row was dropped"]


def test_no_bar_where_the_output_is_no_terminal():
    assert not isinstance(progress_callback(), TQDMProgressBar)
