"""`genolightning datasets ACTION`: one file an action."""


def main(given: list[str]) -> int:
    """Run `list`, `info`, or the action that the first argument names."""
    from genolightning.commands.datasets import list as listing

    return listing.main(given)
