"""What a backbone is: a module from a batch of DNA to features, and what others read of it."""

import inspect
from collections.abc import Callable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from genolightning.batch import Batch, Features, Tokens
from genolightning.facts import Facts


class InputSpec(NamedTuple):
    """What a backbone can read; the data module prepares rows accordingly."""

    max_bp: int | None = None  # the longest row, None where any length goes
    max_tokens: int | None = None
    tokenizer: Callable[[Tensor, Tensor], Tokens] | None = None  # (codes, lengths) -> tokens


class Backbone(nn.Module):
    """Reads a batch and gives features. Subclasses set `dim`, and of the rest what differs from these defaults.

    `stride`: bases per output position, None where positions are uneven or of a fixed number (`positions`).
    `receptive_field_bp`: bases that an output depends on at either side; None is unbounded or not stated.
    `causal`: no position sees a later base.
    """

    dim: int
    stride: int | None = None
    positions: int | None = None
    receptive_field_bp: int | None = None
    causal: bool = False
    max_length_bp: int | None = None
    tokenize: Callable[[Tensor, Tensor], Tokens] | None = None
    bases: slice | None = None  # rows of `language_embedding` of A C G T

    @property
    def language_embedding(self) -> nn.Embedding | None:
        """The table of vectors (symbols, dim) that a language model's head is tied to, if there is one."""
        return None

    @property
    def input(self) -> InputSpec:
        """What this backbone can read."""
        return InputSpec(max_bp=self.max_length_bp, tokenizer=self.tokenize)

    def forward(self, batch: Batch) -> Features:
        """Features with values (batch, positions, dim)."""
        raise NotImplementedError


class HeadInput(NamedTuple):
    """The features that a head is built on, where they are not a backbone's own."""

    dim: int
    stride: int | None
    positions: int | None = None
    causal: bool = False
    language_embedding: nn.Embedding | None = None
    bases: slice | None = None


def build_backbone(make: Callable[..., nn.Module], facts: Facts) -> Backbone:
    """Build a backbone, with `facts` if its constructor has such a parameter.

    A plain nn.Module of a user's own may have any of Backbone's attributes, and is given the defaults of the others.
    """
    module = make(facts=facts) if _takes_facts(make) else make()
    if not isinstance(module, Backbone):
        own = {"language_embedding": getattr(module, "embedding", None)}
        for name in ("stride", "positions", "receptive_field_bp", "causal", "max_length_bp", "tokenize", "bases"):
            own[name] = getattr(module, name, getattr(Backbone, name))
        own["input"] = InputSpec(max_bp=own["max_length_bp"], tokenizer=own["tokenize"])
        vars(module).update(own)  # past nn.Module, for which an embedding would be one more part with weights
    return cast(Backbone, module)


def input_of(model: nn.Module) -> InputSpec:
    """What a model can read; a LightningModule of a user's own need not have `input`."""
    tokenize = getattr(getattr(model, "backbone", None), "tokenize", None)
    usual = InputSpec(max_bp=getattr(model, "max_length_bp", None), tokenizer=tokenize)
    spec: InputSpec = getattr(model, "input", usual)
    return spec


def _takes_facts(make: Callable[..., nn.Module]) -> bool:
    try:
        return "facts" in inspect.signature(make).parameters
    except ValueError:  # something built in
        return False


def dtype_of(module: nn.Module) -> torch.dtype:
    """The type of a module's weights."""
    return next(module.parameters()).dtype
