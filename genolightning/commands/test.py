"""`genolightning test run=DIR`: score a trained run again, data and model from its folder, trainer from here."""

from genolightning.commands.train import summary
from genolightning.config.compose import show
from genolightning.config.execute import compose_of_run, run_test
from genolightning.config.help import parse
from genolightning.console import say


def main(argv: list[str]) -> int:
    """Score a finished run again and print its scores, or print the composed config with `--cfg`."""
    args = parse("test", argv)
    if args.cfg:
        return show(compose_of_run("test", args.overrides, config_dir=args.config_dir)[0])
    folder, record = run_test(args.overrides, config_dir=args.config_dir)
    if record is not None:
        say(*summary(record), f"run folder {folder}")
    return 0
