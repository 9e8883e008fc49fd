"""The gated network's two branches."""

import torch
from torch.nn import functional as F

from genolightning.batch import Batch
from genolightning.models import heads
from genolightning.models.gated import GatedNet
from tests.helpers.batches import multilabel_facts


def test_the_gate_of_the_gated_net_reads_the_complement():
    torch.manual_seed(0)
    model, seen = GatedNet(dim=8, blocks=1), []
    model.stem_gate.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    model(Batch(torch.tensor([[0, 1, 4]], dtype=torch.uint8), torch.tensor([3]), torch.zeros(1), torch.zeros(1)))
    assert torch.equal(seen[0][0], F.one_hot(torch.tensor([3, 2, 0]), 4).float().T * torch.tensor([1.0, 1.0, 0.0]))
    assert isinstance(heads.default(model, multilabel_facts(50)), heads.PooledHead)
