"""`genolightning train`: fit, choose the best epoch on validation, test once, write one run folder."""

from genolightning.config.compose import show
from genolightning.config.execute import compose_training, run_training
from genolightning.config.help import parse
from genolightning.console import say
from genolightning.runs.record import RunRecord


def main(argv: list[str]) -> int:
    """Train and test one model, or print the composed config with `--cfg`."""
    args = parse("train", argv)
    if args.cfg:
        return show(compose_training(args.overrides, config_dir=args.config_dir)[0])
    folder, record = run_training(args.overrides, config_dir=args.config_dir)
    if record is not None:  # None too where a run that is to be resumed is finished
        say("", *summary(record), f"run folder {folder}")
    return 0


def summary(record: RunRecord) -> list[str]:
    """The test scores of a record with their intervals, the audit's verdict on the split, and warnings, as lines."""
    from genolightning.report.audit_tables import coloured
    from genolightning.report.run_scores import score_lines, split_line

    line = split_line(record)
    verdict = [coloured(record.verdict["verdict"], line)] if record.verdict is not None and line else []
    return [*score_lines(record), *verdict, *(f"warning: {text}" for text in record.warnings)]
