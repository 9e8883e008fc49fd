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
    "Run": "genolightning.api_run",
    "compare": "genolightning.api_leaderboard",
    "leaderboard": "genolightning.api_leaderboard",
    "UserError": "genolightning.errors",
    "audit": "genolightning.api_tables",
    "datasets": "genolightning.api_tables",
    "list_models": "genolightning.api_tables",
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
    "list_models",
    "load_dataset",
    "load_run",
    "models",
    "sweep",
    "train",
]


def __getattr__(name: str) -> _Any:
    if name == "models":  # the package of models, which can be called too
        return _import_module("genolightning.models")
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'genolightning' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
