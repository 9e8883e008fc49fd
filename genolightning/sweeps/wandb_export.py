"""`genolightning sweep export NAME --format wandb`: the same space, for the agents of another search service."""

from pathlib import Path
from typing import Any

from genolightning.config import help as words
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.sweeps import search_space as spaces

# what each kind of dataset is chosen by, as tasks.py says; torch is not needed to write a text
SCORE = {"multiclass": ("mcc", "maximize"), "regression": ("loss", "minimize")}
LANGUAGE = ("perplexity", "minimize")
METHOD = {"grid": "grid", "random": "random", "tpe": "bayes"}


def main(given: list[str]) -> int:
    import yaml

    parser = words.Parser(prog="genolightning sweep export", allow_abbrev=False)
    parser.add_argument("name")
    parser.add_argument("words", nargs="*", help="as of the sweep itself: key=value")
    parser.add_argument("--format", choices=["wandb"], default="wandb")
    parser.add_argument("--config-dir", type=Path)
    args = parser.parse_intermixed_args(given)
    say(yaml.safe_dump(wandb(spaces.read(args.name, args.words, args.config_dir)), sort_keys=False).rstrip())
    return 0


def wandb(space: spaces.Space) -> dict[str, Any]:
    """The text of a `wandb sweep` file: its agents call our `train` with the values they draw."""
    if not space.ranges:
        raise UserError(f"sweep {space.name} varies nothing; give a range, e.g. seed=range(1,6)")
    from genolightning.config import compose as door

    first = [spaces.example(one, space.config_dir) for one in space.ranges]
    kind = door.compose("train", [*space.fixed, *first], config_dir=space.config_dir).cfg.dataset.get("kind") or ""
    score, goal = LANGUAGE if kind.endswith("_lm") else SCORE.get(kind, ("auroc", "maximize"))
    call = ["${env}", "python", "-m", "genolightning", "train", *space.fixed]
    return {
        "name": space.name,
        "method": METHOD[space.settings["sampler"]],
        "metric": {"name": f"val/{score}", "goal": goal},
        "command": [*call, "logger=wandb", "logger.wandb.offline=false", "${args_no_hyphens}"],
        "parameters": {one.get_key_element(): _parameter(one, space) for one in space.ranges},
    }


def _parameter(one: Any, space: spaces.Space) -> dict[str, Any]:
    value = one.value()
    if not one.is_interval_sweep():
        return {"values": [word.partition("=")[2] for word in spaces.choices(one, space.config_dir)]}
    whole = isinstance(value.start, int) and isinstance(value.end, int)
    kind = "int_uniform" if whole else "log_uniform_values" if "log" in value.tags else "uniform"
    return {"distribution": kind, "min": value.start, "max": value.end}
