"""`genolightning sweep`."""

from genolightning.sweeps.workers import main

__all__ = ["main"]
