import pickle
from collections.abc import Iterator

import pytest

from genolightning.errors import BadTable, Setting, UserError, check_integer, check_sizes, constructor_errors, front_end


@pytest.fixture
def in_python() -> Iterator[None]:
    before = front_end.set("python")
    yield
    front_end.reset(before)


def test_a_setting_is_written_as_the_command_line_takes_it():
    values = {"crop": "crop", 3: "3", True: "true", None: "null", ("a", "b"): "[a,b]"}
    assert [str(Setting("dataset.key", value)) for value in values] == [f"dataset.key={s}" for s in values.values()]
    assert str(Setting("--max-n", 0.1)) == "--max-n=0.1"


def test_a_setting_is_written_as_python_takes_it(in_python):
    assert eval(str(Setting("dataset.key", ["a", None]))) == {"dataset.key": ["a", None]}
    assert str(Setting("dataset.too_long", "crop")) == '{"dataset.too_long": "crop"}'
    assert str(Setting("--max-n", 0.1)) == "max_n=0.1"


def test_the_fix_of_an_error_is_worded_for_the_front_end_that_raised_it():
    for name, verb in (("command line", "add dataset.too_long=crop"), ("python", 'pass {"dataset.too_long": "crop"}')):
        before = front_end.set(name)
        error = UserError("row 3 is too long", Setting("dataset.too_long", "crop"))
        front_end.reset(before)
        assert (str(error), error.message, error.fix) == (f"row 3 is too long; {verb}", "row 3 is too long", verb)


def test_an_error_without_a_fix_is_its_message():
    assert str(UserError("no such verb")) == "no such verb"


def test_an_error_survives_the_way_from_another_process():
    error = pickle.loads(pickle.dumps(BadTable("row 3 is empty", "remove it")))
    assert (type(error), str(error), error.fix) == (BadTable, "row 3 is empty; remove it", "remove it")


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "3", None])
def test_what_is_no_integer_in_range_is_refused(number):
    with pytest.raises(UserError, match="dataset.workers=.*: wanted a whole number from 1 on"):
        check_integer("dataset.workers", number)


def test_an_integer_in_range_passes():
    check_integer("seed", 0, 0, 5)
    with pytest.raises(UserError, match="seed=6: wanted a whole number from 0 to 5"):
        check_integer("seed", 6, 0, 5)


def test_the_first_bad_size_of_a_model_is_named():
    with pytest.raises(UserError, match="model.backbone.depth=0"):
        check_sizes(dim=8, depth=0, kernel=-1)


def test_what_a_constructor_raises_becomes_one_line_that_names_its_settings():
    with pytest.raises(UserError, match="optimizer: lr must be positive"), constructor_errors("optimizer"):
        raise ValueError("lr must be positive")
    with pytest.raises(KeyError), constructor_errors("optimizer"):
        raise KeyError("a fault of ours")
