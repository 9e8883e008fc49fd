"""GenoLightning: train, probe and honestly compare models of DNA.

>>> import genolightning
>>> genolightning.__version__
'0.1.0'
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_dataset", "load_run"]


def __getattr__(name: str) -> Any:
    # the two doors for notebooks pull in torch and Hydra: opened when asked for
    if name in ("load_dataset", "load_run"):
        return getattr(import_module("genolightning.api"), name)
    raise AttributeError(f"module 'genolightning' has no attribute {name!r}")
