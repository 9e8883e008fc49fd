"""`genolightning train`: fit, choose the best epoch on validation, test once, write one run folder."""

import re
import time
from pathlib import Path
from typing import Any

from genolightning.config import compose as door
from genolightning.config import help as texts
from genolightning.config import trust as saved
from genolightning.config.overrides import check_resumable, value_of
from genolightning.console import columns, say
from genolightning.errors import ProcessLost, UserError
from genolightning.runs.folder import run_folder
from genolightning.runs.record import RunRecord


def main(given: list[str]) -> int:
    args = texts.parse("train", given)
    resume = value_of(args.overrides, "resume")
    if resume is not None:
        if (Path(resume) / "record.json").exists():
            say(f"{resume} is finished: nothing to do; its scores are in record.json")
            return 0
        check_resumable(args.overrides)
        kept = saved.read(resume, trust=value_of(args.overrides, "trust"))
        composed = door.compose("saved", args.overrides, config_dir=args.config_dir, saved=kept)
    else:
        composed = door.compose("train", args.overrides, config_dir=args.config_dir)
    if args.cfg:
        return door.show(composed)
    path = Path(resume).absolute() if resume else composed.folder("train")
    with run_folder(path, composed.text, resumed=bool(resume)) as folder:
        run(composed.cfg, folder)
    return 0


def run(cfg: Any, folder: Path) -> None:
    """Train one config in its folder; what it leaves there is the run."""
    say(f"run folder {folder}")
    start = time.monotonic()
    from genolightning.config import objects as build
    from genolightning.runs.evaluate import finish
    from genolightning.training import loggers as trackers
    from genolightning.training import transfer as init_from
    from genolightning.training.checkpoints import BestCheckpoint, latest_checkpoint
    from genolightning.training.precision import check_reduced_precision

    data, facts, task, model = build.parts(cfg)
    say(
        f"{data.benchmark.name}: {facts.kind}, "
        + ", ".join(f"{count:,} {split}" for split, count in facts.rows.items())
        + f" rows of {facts.shortest_bp:,} to {facts.length_bp:,} bp; {cfg.choices.model}: "
        f"{build.parameter_count(model):,} parameters"
    )
    init_from.start_from_run(model, facts, folder, cfg.model.get("init_from"))
    validates = data.validates
    callbacks = [
        *build.named_callbacks(cfg, task, validates=validates),
        *build.keepers(cfg, folder, task, validates=validates),
    ]
    unseen = {} if validates else {"limit_val_batches": 0}
    trainer = build.trainer(cfg, folder, callbacks, logger=trackers.loggers(cfg, folder), **unseen)
    build.enough_epochs(trainer, data, facts)
    check_reduced_precision(model, trainer, data.train_dataloader())
    fit(trainer, model, data, folder)
    best = next((one.best_model_path for one in callbacks if isinstance(one, BestCheckpoint)), None)
    path = best or latest_checkpoint(folder)
    if not path:
        raise UserError("no epoch was finished, so there is no checkpoint to test; raise trainer.max_epochs")
    record = finish(cfg, folder, trainer, build.Parts(data, facts, task, model), Path(path), started=start)
    if record is not None:
        trackers.conclude(trainer.loggers, record.metrics, record.config, folder)
        say("", *summary(record), f"run folder {folder}")


def fit(trainer: Any, model: Any, data: Any, folder: Path) -> None:
    """Fit from the last checkpoint, if there is one; a fit that ends early leaves word how to go on, or `error.txt`."""
    from genolightning.training.checkpoints import latest_checkpoint
    from genolightning.training.resume import TERMINATED

    on = f"Go on with: genolightning train resume={folder}"
    (folder / "error.txt").unlink(missing_ok=True)
    try:
        trainer.fit(model, datamodule=data, ckpt_path=resume_from(folder))
    except (KeyboardInterrupt, SystemExit) as stop:
        kept = "the last checkpoint is kept" if latest_checkpoint(folder) else "there is no checkpoint yet"
        say(f"stopped; {kept}. {on}")
        if type(stop).__name__ == "SIGTERMException":  # it came before the first step; Lightning 2.6 would exit with 0
            raise SystemExit(TERMINATED) from stop
        raise
    except Exception as error:
        lost = trainer.world_size > 1 and re.search("gloo|NCCL|[Cc]onnection|Broken pipe", str(error))
        told = " ".join(f"{type(error).__name__}: {error}".split())
        if isinstance(error, ValueError) and "val_check_interval" in told:
            raise UserError(f"trainer.val_check_interval: {error}") from error
        if lost:  # gloo and NCCL raise nothing more special than RuntimeError
            told = f"another process of this run has ended, what it said stands above; so all of them end. {on}"
        if trainer.is_global_zero:
            (folder / "error.txt").write_text(told + "\n")
        if lost:
            raise ProcessLost(told) from error
        raise


def resume_from(folder: Path) -> Path | None:
    """The checkpoint to go on from, None for a fresh start; says so where the last one turns out torn."""
    from genolightning.training.checkpoints import latest_checkpoint

    found, last = latest_checkpoint(folder), folder / "checkpoints" / "last.ckpt"
    if last.exists() and found != last:
        say(f"{last} is torn; going on from " + (f"the one before, {found.name}" if found else "the start"))
    elif found:
        say(f"going on from {found}")
    return found


def summary(record: RunRecord) -> list[str]:
    """The test scores of a record with their intervals, as lines."""
    rows = [["test score", "value", "95 % interval"]]
    for name, score in record.metrics.items():
        if score.exists:
            rows.append([name, f"{score.value:.4f}", f"{score.low:.4f} to {score.high:.4f}"])
        else:
            rows.append([name, "none", ""])
    return [*columns(rows, right=[1]), *_of_split(record), *(f"warning: {text}" for text in record.warnings)]


def _of_split(record: RunRecord) -> list[str]:
    """The audit's verdict on the split, in red where it is not clean."""
    from genolightning.report.audit_tables import coloured

    judged = record.verdict
    if judged is None:
        return []
    why = "".join(f"; {reason}" for reason in judged["reasons"])
    return [coloured(judged["verdict"], f"split {record.split}: {judged['verdict']}{why}")]
