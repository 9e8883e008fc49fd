"""`genolightning sweep export NAME --format wandb`: the same space, for the agents of another search service."""

from pathlib import Path

from genolightning.config.help import Parser
from genolightning.console import say


def main(arguments: list[str]) -> int:
    """Print the file of a `wandb sweep`."""
    import yaml

    from genolightning.sweeps.search_space import read_space
    from genolightning.sweeps.wandb_export import wandb_sweep

    parser = Parser(prog="genolightning sweep export", allow_abbrev=False)
    parser.add_argument("name")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="as of the sweep itself")
    parser.add_argument("--format", choices=["wandb"], default="wandb")
    parser.add_argument("--config-dir", type=Path)
    args = parser.parse_intermixed_args(arguments)
    space = read_space(args.name, args.overrides, args.config_dir)
    say(yaml.safe_dump(wandb_sweep(space), sort_keys=False).rstrip())
    return 0
