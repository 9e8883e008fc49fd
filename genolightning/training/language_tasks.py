"""Language models' tasks: which bases are predicted, from which others, and how well."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric, MetricCollection

from genolightning.batch import Batch
from genolightning.facts import NO_LABEL
from genolightning.training.task import Task


class Perplexity(Metric):
    """Perplexity over all rows, or the bits a base takes."""

    full_state_update = False
    nats: Tensor
    bases: Tensor

    def __init__(self, *, bits: bool) -> None:
        super().__init__()
        self.bits = bits
        self.add_state("nats", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("bases", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, nats: Tensor, bases: Tensor) -> None:
        """Take rows' summed -log p and how many bases that is over, both (rows,)."""
        self.nats += nats.sum()
        self.bases += bases.sum()

    def compute(self) -> Tensor:
        """The score so far, a scalar."""
        mean = self.nats / self.bases.clamp(min=1)
        return (mean / torch.log(torch.tensor(2.0)) if self.bits else torch.exp(mean)).float()


class LanguageModel(Task):
    """Predicting bases: logits (batch, length, 4), target int (batch, length), a window's own bases, -100 unknown.

    N and padding are never targets. Validation and test use the same targets every time.
    """

    monitor, mode = "perplexity", "min"

    def prepare(self, batch: Batch) -> Batch:
        """The batch with the codes that the model reads and the bases that it predicts."""
        return self.make_targets(super().prepare(batch))

    def make_targets(self, batch: Batch) -> Batch:
        """Choose the bases to predict, and hide them where the model would read them."""
        raise NotImplementedError

    def predict(self, logits: Tensor, batch: Batch) -> Tensor:
        """Each row's summed -log p in nats and the number of bases it is over: float32 (batch, 2)."""
        return self.negative_log_likelihood(logits, batch.target)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean -log p of the target bases, in nats."""
        nats, bases = self.negative_log_likelihood(logits, target).unbind(-1)
        return nats.sum() / bases.sum().clamp(min=1)

    def negative_log_likelihood(self, logits: Tensor, target: Tensor) -> Tensor:
        """Summed -log p in nats, and the number of bases it is over, of each row: float32 (batch, 2)."""
        nats = F.cross_entropy(logits.float().transpose(1, 2), target, ignore_index=NO_LABEL, reduction="none")
        return torch.stack([nats.sum(1), (target != NO_LABEL).sum(1)], -1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(batch, length, 4), each place summing to one."""
        return torch.softmax(logits.float(), -1)

    def metrics(self) -> MetricCollection:
        """Perplexity and bits a base."""
        return MetricCollection({"perplexity": Perplexity(bits=False), "bits_per_base": Perplexity(bits=True)})

    def metric_inputs(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Each row's summed -log p and number of bases, both float64 (batch,)."""
        nats, bases = self.negative_log_likelihood(logits, target).double().unbind(-1)
        return nats, bases


class CausalLM(LanguageModel):
    """Each base from those before it; a window's first base is no target."""

    def make_targets(self, batch: Batch) -> Batch:
        """Move targets one base to the left."""
        return batch._replace(target=F.pad(batch.target[:, 1:], (0, 1), value=NO_LABEL))


class MaskedLM(LanguageModel):
    """15 % of the bases from all others (Devlin et al. 2019, arXiv 1810.04805): of the targets 80 % are masked,
    10 % replaced by one of the four bases, 10 % left. Outside training row and place decide, not chance.
    """

    TARGETS, MASKED, REPLACED, MASK = 0.15, 0.8, 0.1, 5

    def make_targets(self, batch: Batch) -> Batch:
        """Draw targets and what the model reads in their place; by a hash of row and place outside training."""
        shape, device = batch.codes.shape, batch.codes.device
        chosen, corruption = (
            torch.rand((2, *shape), device=device) if self.training else hash_uniform(batch.index, shape[1])
        )
        is_target = (batch.target != NO_LABEL) & (chosen < self.TARGETS)
        base = ((corruption - self.MASKED) / self.REPLACED * 4).clamp(0, 3).to(batch.codes.dtype)
        codes = torch.where(is_target & (corruption < self.MASKED + self.REPLACED), base, batch.codes)
        codes = torch.where(is_target & (corruption < self.MASKED), torch.full_like(codes, self.MASK), codes)
        return batch._replace(codes=codes, target=torch.where(is_target, batch.target, NO_LABEL))


def hash_uniform(index: Tensor, length: int) -> Tensor:
    """Numbers in [0, 1) that look drawn and depend on row and place alone: float32 (2, rows, length)."""
    place = torch.arange(2 * length, device=index.device).view(2, 1, length)
    x = index[:, None] * 0x1000193 + place * 0x9E3779B1 + 1
    for factor in (0x2545F4914F6CDD1D, 0x5851F42D4C957F2D, 0x2545F4914F6CDD1D):  # int64 wraps around
        x = (x ^ ((x >> 29) & 0x7FFFFFFFF)) * factor
    return ((x >> 40) & 0xFFFFFF).float() / 2**24
