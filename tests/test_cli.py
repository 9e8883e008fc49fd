"""The command line turns errors into one line and an exit code, and imports nothing heavy for it."""

import subprocess
import sys

import pytest

from genolightning import __version__, cli
from genolightning.errors import Diverged, UserError


@pytest.fixture
def verb(monkeypatch):
    """A function that makes a verb out of another function, and runs it as `genolightning models`."""

    def run(function, *arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["genolightning", "models", *arguments])
        monkeypatch.setattr("genolightning.commands.models.main", function)
        return cli.main()

    return run


def raising(error: BaseException):
    def main(arguments: list[str]) -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("no such thing"), 2), (Diverged("nan"), 3), (KeyboardInterrupt(), 130), (RuntimeError("ours"), 1)],
)
def test_each_kind_of_error_has_its_exit_code(verb, error, code):
    assert verb(raising(error)) == code


def test_a_mistake_is_one_line_on_standard_error(verb, capsys):
    verb(raising(UserError("two\nlines   of text")))
    assert capsys.readouterr().err == "genolightning: two lines of text\n"


def test_a_mistake_behind_another_error_is_found(verb, capsys):
    error = RuntimeError("a constructor failed")
    error.__cause__ = UserError("rate=-1: wanted more than 0")
    assert verb(raising(error)) == 2
    assert "rate=-1" in capsys.readouterr().err


def test_a_fault_of_ours_shows_where_it_was(verb, capsys):
    verb(raising(RuntimeError("ours")))
    assert "Traceback" in capsys.readouterr().err


def test_an_exit_code_is_passed_on(verb):
    assert verb(lambda arguments: 5) == 5
    assert verb(lambda arguments: None) == 0
    assert verb(raising(SystemExit(7))) == 7
    assert verb(raising(SystemExit())) == 0


def test_arguments_reach_the_verb(verb):
    seen = []
    verb(lambda arguments: seen.extend(arguments), "--json", "a=b")
    assert seen == ["--json", "a=b"]


def test_the_version_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["genolightning", "--version"])
    assert cli.main() == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_imports_neither_torch_nor_hydra():
    code = "import sys; sys.argv = ['genolightning', '--help']; from genolightning.cli import main; main(); "
    code += "print({'torch', 'hydra', 'numpy', 'lightning', 'polars'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "set()"
