"""The baseline of Genomic Benchmarks: three convolutions and two linear maps.

Layer for layer the PyTorch network of Gresova et al. (BMC Genomic Data 24:25, 2023): embedding, then three times
convolution, batch norm and pooling by two (a ReLU after the first only), flattened into two linear maps with nothing
between them.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genolightning.batch import Batch, Features
from genolightning.errors import UserError
from genolightning.facts import Facts
from genolightning.models.base import Backbone, HeadInput
from genolightning.models.heads import outputs

# symbols: A C G T as in the alphabet, then these; N, any other letter and a masked base are the unknown symbol
UNKNOWN, BEGIN, END, PADDING = 4, 5, 6, 7
EMBEDDING_DIM = 100
KERNEL = 8
MIN_CNN_BP = 55  # leaves one position after three convolutions and poolings


class CNN(Backbone):
    """The published backbone: base codes to features (batch, positions, 4), read in windows of fixed length.

    `<bos>` and `<eos>` frame each sequence. Where training rows differ in length an eighth symbol pads them on the
    right to `length_bp + 3`, as published; else there are seven symbols and the input is `length_bp + 2` long (a
    shorter row met later is padded with the unknown symbol). There is no mask, as published: a model can read the
    length from where the padding starts. Of a longer row met later the first `length_bp + beyond_bp` bases are read;
    with padding two more than in training fit, which is what the published code takes, and no `<eos>`.

    The embedding and the first convolution are one linear map. `contracted` multiplies the two out once a step and
    convolves one-hot symbols, about four times faster; both tensors are trained, and loss and gradients are the same.
    """

    dim = 4
    positions: int
    max_length_bp: int

    def __init__(self, *, facts: Facts, contracted: bool = True, beyond_bp: int = 0) -> None:
        super().__init__()
        if facts.length_bp < MIN_CNN_BP:
            raise UserError(
                f"model=cnn takes training rows of {MIN_CNN_BP} bp or more, the longest here has {facts.length_bp}; "
                "choose model=convnet"
            )
        if beyond_bp not in (0, 1, 2):
            raise UserError(f"model.backbone.beyond_bp={beyond_bp}: wanted 0, 1 or 2")
        padded = facts.shortest_bp < facts.length_bp
        self.contracted = contracted
        self.max_length_bp = facts.length_bp + (beyond_bp if padded else 0)
        self.symbols = 8 if padded else 7
        self.width = facts.length_bp + (3 if padded else 2)
        self.positions = (((self.width - 7) // 2 - 7) // 2 - 7) // 2
        self.embedding = nn.Embedding(self.symbols, EMBEDDING_DIM)
        self.conv = nn.Conv1d(EMBEDDING_DIM, 16, KERNEL)
        self.tower = nn.Sequential(
            *(nn.BatchNorm1d(16), nn.ReLU(), MaxOfPairs()),
            *(nn.Conv1d(16, 8, KERNEL), nn.BatchNorm1d(8), MaxOfPairs()),
            *(nn.Conv1d(8, self.dim, KERNEL), nn.BatchNorm1d(self.dim), MaxOfPairs()),
        )

    def forward(self, batch: Batch) -> Features:
        """Values (batch, positions, 4), one mask of all positions."""
        values = self.tower(self.first(self.framed(batch), batch.bases))
        mask = torch.ones((len(values), self.positions), dtype=torch.bool, device=values.device)
        return Features(values.transpose(1, 2), mask)

    def framed(self, batch: Batch) -> Tensor:
        """Frame sequences with `<bos>` and `<eos>` and pad them: uint8 (batch, width) of symbols.

        UserError where a sequence is longer than `max_length_bp`.
        """
        codes = batch.codes
        if codes.shape[1] > self.max_length_bp:
            raise UserError(
                f"this cnn reads {self.max_length_bp} bp, a sequence has {int(batch.lengths.max())}; "
                "add dataset.too_long=crop to read the first bases"
            )
        end = batch.lengths[:, None] + 1
        symbols = codes.new_full((len(codes), self.width), UNKNOWN)
        symbols[:, 0] = BEGIN
        symbols[:, 1 : codes.shape[1] + 1] = codes.clamp(max=UNKNOWN)
        if self.symbols > PADDING:
            place = torch.arange(self.width, device=codes.device)
            symbols.masked_fill_(place > end, PADDING).masked_fill_(place == end, END)
        else:
            symbols.scatter_(1, end, END)
        return symbols

    def first(self, symbols: Tensor, bases: Tensor | None = None) -> Tensor:
        """Embed and convolve: uint8 (batch, width), with `bases` (batch, 4, length) in place of A C G T where they are
        given, to float (batch, 16, width - 7).
        """
        if not self.contracted:
            embedded = self.embedding(symbols.long())
            if bases is not None:
                embedded = self.channels(symbols, bases, embedded.dtype).transpose(1, 2) @ self.embedding.weight
            values: Tensor = self.conv(embedded.transpose(1, 2))
            return values
        # float32 under autocast too: in bf16 torch 2.13 miscomputes 8 channels and 8 taps on CPUs with AMX
        with torch.autocast(symbols.device.type, enabled=False):
            weight = torch.matmul(self.embedding.weight.float(), self.conv.weight.float())  # (16, symbols, 8)
            hot = self.channels(symbols, bases, weight.dtype)
            return F.conv1d(hot, weight, self.conv.bias.float()).to(self.conv.weight.dtype)  # type: ignore[union-attr]

    def channels(self, symbols: Tensor, bases: Tensor | None, dtype: torch.dtype) -> Tensor:
        """One channel a symbol, the first four from `bases` where they are given: (batch, symbols, width)."""
        alphabet = torch.arange(self.symbols, dtype=symbols.dtype, device=symbols.device)[:, None]
        hot = torch.empty((len(symbols), self.symbols, self.width), dtype=dtype, device=symbols.device)
        torch.eq(symbols[:, None], alphabet, out=hot)
        if bases is None:
            return hot
        return torch.cat([F.pad(bases.to(dtype), (1, self.width - 1 - bases.shape[2])), hot[:, 4:]], 1)


class MaxOfPairs(nn.Module):
    """`MaxPool1d(2)`, in values and gradients.

    On a CPU torch 2.13 pools without vector instructions where a gradient is wanted, a fifth of the training step.
    """

    def forward(self, values: Tensor) -> Tensor:
        """(batch, channels, positions) to (batch, channels, positions // 2)."""
        if values.device.type != "cpu" or not torch.is_grad_enabled():
            return F.max_pool1d(values, 2)
        pooled: Tensor = _MaxOfPairs.apply(values)  # type: ignore[no-untyped-call]
        return pooled


class _MaxOfPairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        pooled = F.max_pool1d(values, 2)  # no gradient is recorded in here, so this one is fast
        ctx.save_for_backward(values[..., 0 : values.shape[-1] - 1 : 2] == pooled)
        ctx.length = values.shape[-1]
        return pooled

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (first,) = ctx.saved_tensors
        to_first = grad * first
        into = grad.new_zeros((*grad.shape[:-1], ctx.length))  # an odd last position is in no pair
        into[..., 0 : ctx.length - 1 : 2] = to_first
        into[..., 1::2] = grad - to_first
        return into


class FlattenHead(nn.Module):
    """The published head: all channels and positions into two linear maps in a row: logits (batch, outputs)."""

    def __init__(self, backbone: Backbone | HeadInput, facts: Facts, *, hidden: int = 512) -> None:
        super().__init__()
        if backbone.positions is None:
            raise UserError(f"FlattenHead needs a backbone of fixed length, {type(backbone).__name__} has none")
        if facts.resolution_bp is not None:
            raise UserError(
                "model=cnn gives one label a sequence, this dataset has one a base or bin; choose model=convnet"
            )
        self.linear = nn.Sequential(
            nn.Linear(backbone.dim * backbone.positions, hidden), nn.Linear(hidden, outputs(facts))
        )

    def forward(self, features: Features, batch: Batch) -> Tensor:
        """Logits (batch, outputs) from values (batch, positions, dim)."""
        logits: Tensor = self.linear(features.values.transpose(1, 2).flatten(1))  # channel by channel, as published
        return logits
