"""`genolightning sweep`."""

from importlib import import_module


def main(arguments: list[str]) -> int:
    """Run a sweep, or export it."""
    action = "export" if arguments[:1] == ["export"] else "run"
    code: int = import_module(f"genolightning.commands.sweep.{action}").main(arguments[action == "export" :])
    return code
