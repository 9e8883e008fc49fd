"""Small Hyenas in which every part matters, and random batches for them."""

import torch

from genolightning.batch import Batch, base_mask
from genolightning.models.hyena import Hyena
from genolightning.models.hyena_operator import HyenaOperator


def operator(*, order: int = 2, causal: bool = True, dim: int = 4, l_max: int = 40) -> HyenaOperator:
    torch.manual_seed(0)
    return lively(HyenaOperator(dim, l_max=l_max, order=order, causal=causal, emb_dim=5, shift=0.05))


def lively(module):
    """Make every part matter; the initial filters are so small that a fault in them could hide."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return module


def network(*, causal: bool = True, l_max: int | None = 100, **options) -> Hyena:
    torch.manual_seed(0)
    return lively(Hyena(dim=16, depth=2, l_max=l_max, causal=causal, embed_dropout=0.0, **options))


def batch_of(*lengths: int) -> Batch:
    torch.manual_seed(1)
    real = torch.tensor(lengths)
    codes = torch.randint(0, 6, (len(lengths), max(lengths)), dtype=torch.uint8)
    codes[~base_mask(real, max(lengths))] = 4
    return Batch(codes, real, torch.zeros(len(lengths)), torch.arange(len(lengths)))
