"""`genolightning leaderboard`."""


def main(given: list[str]) -> int:
    """Show the leaderboard."""
    from genolightning.commands.leaderboard import show

    return show.main(given)
