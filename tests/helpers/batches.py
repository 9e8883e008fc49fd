"""Facts of a multilabel dataset, random batches, and how many parameters modules have."""

import torch

from genolightning.batch import Batch, base_mask
from genolightning.facts import Facts


def multilabel_facts(length_bp: int, labels: int = 3, **more) -> Facts:
    return Facts("multilabel", [str(label) for label in range(labels)], length_bp, length_bp, **more)


def random_batch(rows: int, length: int) -> Batch:
    torch.manual_seed(0)
    codes = torch.randint(0, 5, (rows, length), dtype=torch.uint8)
    return Batch(codes, torch.full((rows,), length), torch.zeros(rows), torch.arange(rows))


def parameter_count(*parts: torch.nn.Module) -> int:
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


def padded_batch(rows: int = 4, length: int = 40, lengths: list[int] | None = None) -> Batch:
    torch.manual_seed(0)
    codes = torch.randint(0, 4, (rows, length), dtype=torch.uint8)
    real = torch.tensor(lengths or [length] * rows)
    codes[~base_mask(real, length)] = 4
    return Batch(codes, real, torch.zeros(rows, dtype=torch.long), torch.arange(rows))
