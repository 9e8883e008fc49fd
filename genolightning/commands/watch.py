"""`genolightning watch`."""

from genolightning.sweeps.status import main

__all__ = ["main"]
