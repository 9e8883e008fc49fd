"""Loggers of a run: metrics.csv, Weights & Biases, and what they get at the start and at the end of a run."""

import csv
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import offline
from genolightning.statistics.estimate import Estimate
from genolightning.storage.atomic import atomic_write

ARTIFACT_FILES = (
    "record.json",
    "predictions.parquet",
    "metrics.csv",
    ".hydra/config.yaml",
    "checkpoints/best.ckpt",
)
NOT_OF_AN_EXPERIMENT = ("seed", "resume", "logger", "trust")  # at any depth


class Wandb(WandbLogger):
    """A Weights & Biases run in the run folder; its steps are the optimizer's, and a step logged twice counts once.

    `artifact`: whether the run folder is kept there at the end.
    """

    def __init__(self, save_dir: str, *, artifact: bool = False, **more: Any) -> None:
        super().__init__(save_dir=save_dir, **more)
        self._wandb_init.pop("anonymous")  # Lightning 2.6 gives it, and wandb 0.31 warns of it
        self.artifact = artifact

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, started at the first access; UserError where the service refuses it."""
        from wandb import Error

        try:
            return super().experiment
        except Error as error:
            raise UserError(f"Weights & Biases: {error} Or keep the run here: logger.wandb.offline=true") from error

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add scores to the row of a step."""
        self.experiment.log({**metrics, "trainer/global_step": step}, step=step)


class CsvMetricsLogger(Logger):
    """`metrics.csv` in the run folder: one row a step, columns sorted after `step` and `epoch`, always a whole file.

    Lightning's CSVLogger removes the file when a run goes on; here rows made again take the place of the old ones.
    """

    name = version = ""

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"
        self.rows: dict[int, dict[str, Any]] = {}
        self.written = 0  # rows on the disk
        self.mirrors: list[Logger] = []  # loggers that start again when a run is resumed, and get all rows anew
        if self.path.exists():
            with self.path.open(newline="") as file:
                for row in csv.DictReader(file):
                    self.rows[int(row["step"])] = {key: value for key, value in row.items() if value}

    @property
    def save_dir(self) -> str:
        """The run folder."""
        return str(self.path.parent)

    @rank_zero_only
    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Add scores to the row of a step."""
        at = int(step or 0)
        self.rows.setdefault(at, {"step": at}).update(metrics)
        self.save()

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the config is in .hydra/config.yaml."""

    def truncate_from(self, step: int) -> None:
        """Drop the rows of steps that will be taken again, and log the rest to the loggers that mirror this file."""
        self.rows = {at: row for at, row in self.rows.items() if at < step}
        for other in self.mirrors:
            for at, row in sorted(self.rows.items()):
                other.log_metrics({name: float(value) for name, value in row.items() if name != "step"}, step=at)

    def save(self) -> None:
        """Write when a tenth more rows are there: a long run's file is not written anew for each of them."""
        if len(self.rows) > 1.1 * self.written:
            self.flush()

    @rank_zero_only
    def flush(self) -> None:
        """Write every row, under another name first."""
        names = {name for row in self.rows.values() for name in row} - {"step", "epoch"}
        with atomic_write(self.path) as draft, draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["step", "epoch", *sorted(names)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows[step] for step in sorted(self.rows))
        self.written = len(self.rows)

    def finalize(self, status: str) -> None:
        """Write what is left."""
        if self.rows:
            self.flush()


def open_loggers(
    factories: Sequence[Callable[..., Logger]], folder: Path, *, group: str, config: Mapping[str, Any]
) -> list[Logger]:
    """Open loggers in a run folder, from what is called with `save_dir=`.

    When a run is resumed, other loggers than metrics.csv start again and get the rows of metrics.csv: no step is
    logged twice. Raises UserError where a logger's package is not installed.
    """
    previous = _wandb_id(folder)
    classes = [getattr(factory, "func", factory) for factory in factories]
    if CsvMetricsLogger in classes:  # it can give them the rows that they are about to lose
        _delete_mirrors(folder)
    try:
        loggers = [
            factory(
                save_dir=str(folder),
                **(_wandb_arguments(factory, folder, previous, group, config) if made is Wandb else {}),
            )
            for factory, made in zip(factories, classes, strict=True)
        ]
    except ModuleNotFoundError as error:
        name = str(error).split("'")[1] if error.name is None and "'" in str(error) else error.name or str(error)
        name = name.removesuffix("X")  # Lightning names tensorboardX, the second best
        raise UserError(f"this logger needs a package that is not there: pip install {name}") from error
    for logger in loggers:
        if isinstance(logger, CsvMetricsLogger):
            logger.mirrors = [other for other in loggers if other is not logger]
    return loggers


def _wandb_arguments(
    factory: Any, folder: Path, previous: str | None, group: str, config: Mapping[str, Any]
) -> dict[str, Any]:
    """What a Weights & Biases run is called, grouped by and made from, where its YAML leaves that open."""
    from wandb import Settings

    usual = {
        "id": previous,
        "name": folder.name,
        "group": group,
        "offline": not _online(),
        "config": dict(config),
        "settings": Settings(silent=True, console="off"),
    }
    return {key: value for key, value in usual.items() if factory.keywords.get(key) is None}


def experiment_name(config: Mapping[str, Any], names: Sequence[Any]) -> str:
    """`<dataset>-<model>-<hash>`: the same for configs that differ in their seed alone."""

    def without_seed(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {key: without_seed(value) for key, value in node.items() if key not in NOT_OF_AN_EXPERIMENT}
        return node

    plain = json.dumps(without_seed(config), sort_keys=True, default=str)
    parts = (*names, hashlib.sha256(plain.encode()).hexdigest()[:6])
    return "-".join(str(part) for part in parts if part)


def conclude(loggers: list[Logger], metrics: Mapping[str, Estimate], config: Mapping[str, Any], folder: Path) -> None:
    """Log the test scores of a finished run to every logger, and finalize it."""
    scores = {name: score for name, score in metrics.items() if score.exists}
    files = [logger for logger in loggers if isinstance(logger, CsvMetricsLogger)]
    last = max((max(file.rows, default=0) for file in files), default=0)
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            values = {f"test/{name}": score.value for name, score in scores.items()}
            logger.log_hyperparams(dict(config), values, last)
            logger.finalize("success")
        if isinstance(logger, Wandb):
            _conclude_wandb(logger, scores, folder)


@rank_zero_only
def _conclude_wandb(logger: Wandb, scores: Mapping[str, Estimate], folder: Path) -> None:
    import wandb

    run = logger.experiment
    run.summary.update({f"test/{name}": score.value for name, score in scores.items()})
    rows = [[name, *score[:3]] for name, score in scores.items()]
    run.summary["test_scores"] = wandb.Table(columns=["score", "value", "low", "high"], data=rows)
    if logger.artifact:
        artifact = wandb.Artifact(f"run-{run.id}", type="run", metadata={"folder": str(folder)})
        for path in ARTIFACT_FILES:
            if (folder / path).exists():
                artifact.add_file(str(folder / path), path)
        run.log_artifact(artifact)
    place = f"offline; send it with: wandb sync {Path(run.dir).parent}" if run.offline else run.url
    run.finish()
    say(f"Weights & Biases: {place}")


def _wandb_id(folder: Path) -> str | None:
    """The id of the Weights & Biases run of this folder, if it has one: wandb writes it into a folder's name."""
    before = sorted((folder / "wandb").glob("*run-*-*"))
    return before[-1].name.rpartition("-")[2] if before else None


@rank_zero_only
def _delete_mirrors(folder: Path) -> None:
    for events in folder.glob("events.out.tfevents.*"):
        events.unlink()
    for run in (folder / "wandb").glob("offline-run-*"):
        shutil.rmtree(run)


def _online() -> bool:
    """Whether Weights & Biases can be logged to at once: a key is set, nothing forbids it, and the service answers."""
    mode = os.environ.get("WANDB_MODE")
    if mode or offline():
        return mode == "online" and not offline()
    from requests.utils import get_netrc_auth
    from wandb import Settings

    service = os.environ.get("WANDB_BASE_URL") or Settings().base_url
    if not os.environ.get("WANDB_API_KEY") and get_netrc_auth(service) is None:
        return False
    place = urlsplit(service)
    try:
        socket.create_connection((str(place.hostname), place.port or 443), timeout=3).close()
    except OSError:
        return False
    return True
