"""Heads: from features to one row of logits a sequence, a bin or a base."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from genolightning.batch import Batch, Features
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.base import Backbone, HeadInput
from genolightning.models.pooling import MeanPool, to_resolution


def outputs(facts: Facts) -> int:
    """How many logits a place takes: one for binary and regression, one a class or label otherwise.

    UserError for a language model, whose answer is a base.
    """
    if facts.target_kind.language_model:
        other = "hyenadna_tiny_1k" if facts.target_kind.causal else "hyena"
        raise UserError(f"dataset.kind={facts.kind}: this model has no head that predicts bases; choose model={other}")
    return facts.outputs


def exactly(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Last linear map, (batch, ..., dim) to (batch, ..., outputs), in the precision of its weights.

    Under autocast too: a logit in bf16 has three digits.
    """
    with torch.autocast(values.device.type, enabled=False):
        return nn.functional.linear(values.to(weight.dtype), weight, bias)


class PooledHead(nn.Module):
    """Pool over real positions, then one linear map, both `exactly`: logits (batch, outputs)."""

    def __init__(
        self,
        backbone: Backbone | HeadInput,
        facts: Facts,
        *,
        pool: Callable[[], nn.Module] = MeanPool,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pool = pool()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(backbone.dim * int(getattr(self.pool, "factor", 1)), outputs(facts))

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, outputs) from values (batch, positions, dim)."""
        features = features._replace(values=features.values.to(self.linear.weight.dtype))
        return exactly(self.dropout(self.pool(features)), self.linear.weight, self.linear.bias)


class PositionHead(nn.Module):
    """One linear map at each base or bin: logits (batch, bins, outputs)."""

    def __init__(self, backbone: Backbone | HeadInput, facts: Facts, *, dropout: float = 0.0) -> None:
        super().__init__()
        if backbone.stride is None and facts.resolution_bp != 1:
            raise UserError("a backbone with uneven tokens predicts single bases or whole sequences, not bins")
        self.stride, self.resolution_bp = backbone.stride, facts.resolution_bp or 1
        coarse, fine = max(self.stride or 1, self.resolution_bp), min(self.stride or 1, self.resolution_bp)
        if coarse % fine:
            raise UserError(f"bins of {self.resolution_bp} bp do not fit positions of {self.stride} bp")
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(backbone.dim, outputs(facts))

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, bins, outputs) from values (batch, positions, dim)."""
        if features.spans is not None:
            features = on_bases(features, batch.codes.shape[1])
        elif self.stride is not None:
            features = to_resolution(features, self.stride, self.resolution_bp)
        bins = -(-batch.codes.shape[1] // self.resolution_bp)
        return exactly(self.dropout(features.values[:, :bins]), self.linear.weight, self.linear.bias)


class LanguageHead(nn.Module):
    """How well each of the four bases fits each place: logits (batch, length, 4), in the order A C G T.

    Tied to `backbone.language_embedding` where there is one (its rows `backbone.bases`), else a linear map of its own.
    """

    def __init__(self, backbone: Backbone | HeadInput, facts: Facts) -> None:
        super().__init__()
        name = type(backbone).__name__
        if backbone.stride != 1:
            raise UserError(f"a language model predicts single bases, {name} has no position for each; use stride=1")
        if facts.target_kind.causal and not backbone.causal:
            raise UserError(
                f"dataset.kind=causal_lm: {name} sees the bases it should predict; use dataset.kind=masked_lm"
            )
        self.embedding, self.bases = backbone.language_embedding, backbone.bases or slice(0, 4)
        self.linear = nn.Linear(backbone.dim, 4) if self.embedding is None else None

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, length, 4) from values (batch, length, dim)."""
        if self.linear is not None:
            return exactly(features.values, self.linear.weight, self.linear.bias)
        return exactly(features.values, self.embedding.weight[self.bases])  # type: ignore[union-attr]


def on_bases(features: Features, length: int) -> Features:
    """Hand each token's vector to every base of its span; where tokens overlap, their mean."""
    values, mask, spans = features.values, features.mask, features.spans
    assert spans is not None
    base = torch.arange(length, device=values.device)
    first, last = spans[..., 0, None], spans[..., 1, None]
    covers = ((first <= base) & (base <= last) & mask[..., None]).to(values.dtype)  # (batch, tokens, length)
    total = covers.transpose(1, 2) @ values
    count = covers.sum(1)
    return Features(total / count.clamp(min=1)[..., None], count > 0)


def default(backbone: Backbone | HeadInput, facts: Facts) -> nn.Module:
    """One rule: no resolution -> pooling over real positions and a linear map; a resolution -> a map at each place; a
    language model -> the four bases at each base, by the backbone's own embedding.
    """
    if facts.target_kind.language_model:
        return LanguageHead(backbone, facts)
    return PooledHead(backbone, facts) if facts.resolution_bp is None else PositionHead(backbone, facts)
