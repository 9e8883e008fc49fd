"""A run in Python is a folder, whatever state it is in; overrides come as strings, dicts and keywords."""

import pytest

from genolightning.api_run import Run, as_overrides, python_call
from genolightning.errors import Setting, UserError, front_end


def test_a_folder_without_a_record_is_a_run_that_is_not_finished(tmp_path):
    run = Run(tmp_path)
    assert repr(run) == f"Run({str(tmp_path)!r}), not finished"
    assert "not finished" in run._repr_html_()
    with pytest.raises(UserError, match=r"no record\.json"):
        _ = run.metrics
    with pytest.raises(UserError, match=r"no predictions\.parquet there.*resume\(\)"):
        run.predictions()


def test_strings_dicts_and_keywords_are_the_same_overrides():
    words = as_overrides(["seed=2"], {})
    assert as_overrides([{"seed": 2}], {}) == as_overrides([], {"seed": 2}) == words
    assert as_overrides([{"optimizer": {"lr": 0.1}}], {}) == as_overrides([], {"optimizer__lr": 0.1})
    assert as_overrides([], {"seed": None}) == []


def test_errors_inside_a_call_are_worded_for_python_and_outside_for_the_command_line():
    setting = Setting("dataset.too_long", "crop")
    with pytest.raises(UserError, match="pass .*dataset.too_long.*crop"), python_call():
        raise UserError("row 3 is too long", setting)
    assert front_end.get() == "command line"


def test_an_interrupt_that_lightning_turned_into_an_exit_is_an_interrupt_again():
    def exits() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(1)  # noqa: B904

    with pytest.raises(KeyboardInterrupt), python_call():
        exits()
