"""GenoLightning: train, probe and honestly compare models of DNA.

>>> import genolightning
>>> genolightning.__version__
'0.1.0'
"""

from importlib import import_module as _import_module
from typing import Any as _Any

__version__ = "0.1.0"
# where each public name is; they import torch and Hydra, so only once they are used
_PLACES = {
    "train": "genolightning.api",
    "load_run": "genolightning.api",
    "load_dataset": "genolightning.api",
    "Run": "genolightning.api",
    "compare": "genolightning.api_leaderboard",
    "leaderboard": "genolightning.api_leaderboard",
    "UserError": "genolightning.errors",
    "audit": "genolightning.api_tables",
    "datasets": "genolightning.api_tables",
    "sweep": "genolightning.api_tables",
}
__all__ = [
    "Run",
    "UserError",
    "__version__",
    "audit",
    "compare",
    "datasets",
    "leaderboard",
    "load_dataset",
    "load_run",
    "sweep",
    "train",
]


def __getattr__(name: str) -> _Any:
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'genolightning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
