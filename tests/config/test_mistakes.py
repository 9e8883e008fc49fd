"""An error is a user's mistake where a constructor refused its arguments, and a fault of ours elsewhere."""

from genolightning.config.mistakes import user_error
from genolightning.errors import UserError


class InstantiationException(Exception):
    """As Hydra's, which is known by its name."""


def chained(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


def test_what_a_constructor_refuses_names_its_key():
    error = chained(InstantiationException("failed\nfull_key: dataset"), ValueError("batch_size is odd"))
    assert str(user_error(error)) == "dataset: batch_size is odd"


def test_a_mistake_is_found_behind_other_errors():
    mistake = UserError("no such file")
    assert user_error(chained(RuntimeError("outer"), mistake)) is mistake
    assert user_error(KeyError("ours")) is None
