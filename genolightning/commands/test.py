"""`genolightning test run=DIR`: score a trained run again, data and model from its folder, trainer from here."""

import time
from pathlib import Path
from typing import Any

from genolightning.commands.train import summary
from genolightning.config import compose as door
from genolightning.config import help as texts
from genolightning.config import keys
from genolightning.config import trust as saved
from genolightning.config.overrides import value_of
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.runs.folder import run_folder


def main(given: list[str]) -> int:
    args = texts.parse("test", given)
    folder, composed = of_run("test", args)
    if args.cfg:
        return door.show(composed)
    start = time.monotonic()
    with run_folder(composed.folder("test"), composed.text) as out:
        from genolightning.config import objects as build
        from genolightning.runs.evaluate import finish
        from genolightning.runs.load import checkpoint_of

        _, checkpoint = checkpoint_of(folder)
        parts = build.parts(composed.cfg)
        trainer = build.trainer(composed.cfg, out, logger=False)
        record = finish(composed.cfg, out, trainer, parts, checkpoint, started=start, verb="test")
        if record is not None:
            say(*summary(record), f"run folder {out}")
    return 0


def of_run(verb: str, args: Any) -> tuple[Path, door.Composed]:
    """The config of `run=DIR` (or a checkpoint in it), checked and composed with the words; trainer from here."""
    given = value_of(args.overrides, "run")
    if given is None:
        raise UserError(f"which run? add run=DIR; see: genolightning {verb} --help")
    from omegaconf import OmegaConf

    path = Path(given)
    folder = path.absolute().parent.parent if path.suffix == ".ckpt" else path
    trust = value_of(args.overrides, "trust")
    kept = saved.read(folder, without=keys.machine_groups(), trust=trust)
    kept.pop("resume", None)
    composed = door.compose(verb, args.overrides, config_dir=args.config_dir, saved=kept)
    asked: Any = OmegaConf.to_container(composed.cfg.dataset, resolve=True)
    for key in keys.held_out_keys() if verb == "test" else ():
        name = key.removeprefix("dataset.")
        if asked.get(name) != kept["dataset"].get(name):
            raise UserError(
                f"{key}={asked.get(name)}: {folder} was trained with {kept['dataset'].get(name)}, so rows it has "
                "trained on would be tested; leave the key out, or score rows of another file with dataset.test=FILE"
            )
    return path, composed
