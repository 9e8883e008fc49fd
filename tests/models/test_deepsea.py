"""DeepSEA as published."""

import torch

from genolightning.models.basset import UnitsHead
from genolightning.models.deepsea import DeepSEA
from tests.helpers.batches import multilabel_facts, parameter_count


def test_deepsea_has_the_52_843_119_parameters_of_its_paper():
    with torch.device("meta"):
        backbone = DeepSEA(facts=multilabel_facts(1_000, 919))
        head = UnitsHead(backbone, multilabel_facts(1_000, 919), units=(925,), norm=False, dropout=0.0)
    assert backbone.positions == 53
    assert parameter_count(backbone, head) == 52_843_119
