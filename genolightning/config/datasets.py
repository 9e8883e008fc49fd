"""A dataset by its name: its config, its benchmark, or the datamodule that serves it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as texts
from genolightning.errors import UserError

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark
    from genolightning.data.datamodule import SequenceDataModule


def dataset_file(name: str, config_dir: Path | None = None) -> Path:
    """The YAML file of a dataset; UserError where there is none of that name."""
    files = texts.choices("dataset", config_dir)
    if name not in files:
        raise UserError(f"no dataset '{name}'; {texts.near(name, files)}see: genolightning datasets list")
    return files[name]


def dataset_from_name(name: str, overrides: Sequence[str] = (), config_dir: Path | None = None) -> "SequenceDataModule":
    """Build the datamodule of a dataset; overrides are such as "dataset.genome=hg38.fa"."""
    from hydra.utils import instantiate

    data: SequenceDataModule = instantiate(_config(name, overrides, config_dir), _convert_="all")
    return data


def benchmark_from_name(name: str, overrides: Sequence[str] = (), config_dir: Path | None = None) -> "Benchmark":
    """Build the benchmark of a dataset; torch and lightning are imported only for a datamodule of the user's own."""
    from omegaconf import OmegaConf

    from genolightning.benchmarks.from_config import make_benchmark

    config = _config(name, overrides, config_dir)
    plain: Any = OmegaConf.to_container(config, resolve=True)
    benchmark = make_benchmark(plain)
    return dataset_from_name(name, overrides, config_dir).benchmark if benchmark is None else benchmark


def _config(name: str, overrides: Sequence[str], config_dir: Path | None) -> Any:
    from genolightning.config import compose

    dataset_file(name, config_dir)
    return compose.compose("train", [f"dataset={name}", *overrides], config_dir=config_dir).cfg.dataset
