"""`genolightning predict run=DIR input=F output=F`: a trained model on new DNA; needs neither dataset nor labels."""

from genolightning.config.compose import show
from genolightning.config.execute import compose_of_run, run_prediction
from genolightning.config.help import parse


def main(argv: list[str]) -> int:
    """Write the predictions of a trained run, or print the composed config with `--cfg`."""
    args = parse("predict", argv)
    if args.cfg:
        return show(compose_of_run("predict", args.overrides, config_dir=args.config_dir)[0])
    run_prediction(args.overrides, config_dir=args.config_dir)
    return 0
