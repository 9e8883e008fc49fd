"""The models: plain nn.Modules, one file a family. `genolightning.models()` lists them."""

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package that can be called, since `genolightning.models` is both a package and a function of the Python API."""

    def __call__(self, **options: Any) -> Any:
        """List the models: the same as `genolightning.list_models(**options)`."""
        import genolightning

        return genolightning.list_models(**options)


sys.modules[__name__].__class__ = _CallablePackage
