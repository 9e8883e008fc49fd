"""`genolightning datasets ACTION`: one file an action."""

from importlib import import_module

from genolightning.config.help import options

ACTIONS = ("list", "info", "audit", "build", "check", "export", "fetch", "locate")


def main(arguments: list[str]) -> int:
    """Run the action that the arguments name."""
    action = next((argument for argument in arguments if argument in ACTIONS), None)
    if action is None:
        parser = options(
            "datasets",
            "list the datasets, say what one is, check or fetch its files, look for leaks, export, build a new one",
            ["list", "info gue_tf_0", "check gb_human_nontata_promoters", "check --json", "audit --help"],
        )
        parser.add_argument("action", choices=ACTIONS)
        parser.parse_args(arguments)
    place = arguments.index(str(action))
    rest = [*arguments[:place], *arguments[place + 1 :]]
    code: int = import_module(f"genolightning.commands.datasets.{action}").main(rest)
    return code
