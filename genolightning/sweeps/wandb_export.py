"""A sweep as the text of a `wandb sweep` file: the same space, for the agents of Weights & Biases."""

from typing import Any

from genolightning.config.sweep_values import Interval, Varied, training_config
from genolightning.errors import UserError
from genolightning.facts import BINARY, higher_is_better, target_kind
from genolightning.sweeps.search_space import Space, example

METHOD = {"grid": "grid", "random": "random", "tpe": "bayes"}


def wandb_sweep(space: Space) -> dict[str, Any]:
    """The content of a `wandb sweep` file: its agents call our `train` with the values they draw."""
    if not space.varied:
        raise UserError(f"sweep {space.name} varies nothing; give a range, e.g. seed=range(1,6)")
    first = [example(varied) for varied in space.varied]
    kind = training_config([*space.fixed, *first], space.config_dir)["dataset"].get("kind")
    score = target_kind(kind or BINARY.name).search_score  # a table's YAML leaves its kind open
    goal = "maximize" if higher_is_better(score) else "minimize"
    call = ["${env}", "python", "-m", "genolightning", "train", *space.fixed]
    return {
        "name": space.name,
        "method": METHOD[space.settings["sampler"]],
        "metric": {"name": f"val/{score}", "goal": goal},
        "command": [*call, "logger=wandb", "logger.wandb.offline=false", "${args_no_hyphens}"],
        "parameters": {varied.key: _parameter(varied) for varied in space.varied},
    }


def _parameter(varied: Varied) -> dict[str, Any]:
    if not isinstance(varied, Interval):
        return {"values": list(varied.values)}
    kind = "int_uniform" if varied.whole else "log_uniform_values" if varied.log else "uniform"
    return {"distribution": kind, "min": varied.low, "max": varied.high}
