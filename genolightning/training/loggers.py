"""Where a run's scores are told besides metrics.csv: the logger group, made for a run folder, and its last words."""

import csv
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hydra.utils import instantiate
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf

from genolightning.config.renamed_targets import with_first_names
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import offline
from genolightning.statistics.estimate import Estimate
from genolightning.storage.atomic import atomic_write


class Wandb(WandbLogger):
    """A Weights & Biases run in the run folder, whose steps are the optimiser's: one that is logged again is ignored.

    `artifact`: whether the run folder is kept there at the end.
    """

    def __init__(self, save_dir: str, *, artifact: bool = False, **more: Any) -> None:
        super().__init__(save_dir=save_dir, **more)
        self._wandb_init.pop("anonymous")  # Lightning 2.6 gives it, and wandb 0.31 warns of it
        self.artifact = artifact

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, begun when it is first asked for; UserError where the service refuses it."""
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
    """`metrics.csv` in the run folder: one row a step, columns sorted after `step` and `epoch`, always a complete file.

    Lightning's CSVLogger removes the file when a run is resumed; here rows of repeated steps replace the old ones.
    """

    name = version = ""

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"
        self.rows: dict[int, dict[str, Any]] = {}
        self.written = 0  # rows on the disk
        self.mirrors: list[Logger] = []  # loggers that begin anew when a run is resumed, and get all rows again
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
        """Drop the rows of steps that will be taken again, and log the others to `mirrors` once more."""
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


def loggers(cfg: DictConfig, folder: Path) -> list[Logger]:
    """The logger group's own, each writing into the run folder.

    When a run goes on, its trackers begin anew and are told the rows of metrics.csv again: no step is there twice.
    """
    known = _wandb_id(folder)
    try:
        parts = [instantiate(one, _convert_="all") for one in (cfg.get("logger") or {}).values() if one is not None]
        if any(one.func is CsvMetricsLogger for one in parts):  # it can tell them what they are about to forget
            _forget(folder)
        found = [one(save_dir=str(folder), **_wandb(one, cfg, folder, known)) for one in parts]
    except ModuleNotFoundError as error:
        name = str(error).split("'")[1] if error.name is None and "'" in str(error) else error.name or str(error)
        name = name.removesuffix("X")  # Lightning names tensorboardX, the second best
        raise UserError(f"this logger needs a package that is not there: pip install {name}") from error
    for one in found:
        if isinstance(one, CsvMetricsLogger):
            one.mirrors = [other for other in found if other is not one]
    return found


def _wandb(make: Any, cfg: DictConfig, folder: Path, known: str | None) -> dict[str, Any]:
    """What a Weights & Biases run is called, grouped by and made from, where its YAML leaves that open."""
    if make.func is not Wandb:
        return {}
    from wandb import Settings

    usual = {
        "id": known,
        "name": folder.name,
        "group": group(cfg),
        "offline": not _online(),
        "config": _config(cfg),
        "settings": Settings(silent=True, console="off"),
    }
    return {key: value for key, value in usual.items() if make.keywords.get(key) is None}


def group(cfg: DictConfig) -> str:
    """The name of an experiment whose members are its seeds: the same config but for the seed is the same group."""

    def unseeded(node: Any) -> Any:
        if isinstance(node, Mapping):
            kept = {key: value for key, value in node.items() if key not in ("seed", "resume", "logger", "trust")}
            return {key: unseeded(value) for key, value in kept.items()}
        return node

    plain = json.dumps(unseeded(with_first_names(_config(cfg))), sort_keys=True, default=str)
    names = (cfg.dataset.get("name"), cfg.choices.get("model"), hashlib.sha256(plain.encode()).hexdigest()[:6])
    return "-".join(str(name) for name in names if name)


def conclude(loggers: list[Logger], metrics: Mapping[str, Estimate], config: Mapping[str, Any], folder: Path) -> None:
    """Log the test scores of a finished run to every logger and finalize it."""
    scores = {name: score for name, score in metrics.items() if score.exists}
    last = max((max(one.rows, default=0) for one in loggers if isinstance(one, CsvMetricsLogger)), default=0)
    for one in loggers:
        if isinstance(one, TensorBoardLogger):
            one.log_hyperparams(dict(config), {f"test/{name}": of.value for name, of in scores.items()}, last)
            one.finalize("success")
        if isinstance(one, Wandb):
            _conclude_wandb(one, scores, folder)


@rank_zero_only
def _conclude_wandb(tracker: Wandb, scores: Mapping[str, Estimate], folder: Path) -> None:
    import wandb

    run = tracker.experiment
    run.summary.update({f"test/{name}": score.value for name, score in scores.items()})
    rows = [[name, *score[:3]] for name, score in scores.items()]
    run.summary["test_scores"] = wandb.Table(columns=["score", "value", "low", "high"], data=rows)
    if tracker.artifact:
        kept = wandb.Artifact(f"run-{run.id}", type="run", metadata={"folder": str(folder)})
        for path in (
            "record.json",
            "predictions.parquet",
            "metrics.csv",
            ".hydra/config.yaml",
            "checkpoints/best.ckpt",
        ):
            if (folder / path).exists():
                kept.add_file(str(folder / path), path)
        run.log_artifact(kept)
    told = f"offline; send it with: wandb sync {Path(run.dir).parent}" if run.offline else run.url
    run.finish()
    say(f"Weights & Biases: {told}")


def _config(cfg: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def _wandb_id(folder: Path) -> str | None:
    """The id of the run that this folder has been told under, if it has: wandb writes it into a folder's name."""
    before = sorted((folder / "wandb").glob("*run-*-*"))
    return before[-1].name.rpartition("-")[2] if before else None


@rank_zero_only
def _forget(folder: Path) -> None:
    for events in folder.glob("events.out.tfevents.*"):
        events.unlink()
    for run in (folder / "wandb").glob("offline-run-*"):
        shutil.rmtree(run)


def _online() -> bool:
    """Whether Weights & Biases can be told at once: a key is there, nothing forbids it, and the service answers."""
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
