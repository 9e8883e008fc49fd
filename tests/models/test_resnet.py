"""BEND's residual network and its two-layer network."""

import torch

from genolightning.models.gated import GatedNet
from genolightning.models.resnet import CNNProbe, ProbeHead, ResNet
from tests.helpers.batches import multilabel_facts, parameter_count, random_batch


def test_the_resnet_of_bend_has_30_blocks_with_dilations_from_1_to_32_five_times():
    with torch.device("meta"):
        backbone = ResNet()
    assert [block.conv.dilation[0] for block in backbone.blocks] == [1, 2, 4, 8, 16, 32] * 5
    assert {block.conv.weight.shape for block in backbone.blocks} == {(256, 256, 9)}
    assert parameter_count(backbone) == 30 * (256 * 256 * 9 + 256 + 256 * 256 + 256 + 4 * 256)


def test_bends_two_layers_see_two_bases_each_side_and_serve_as_a_head_too():
    backbone, batch = CNNProbe(dim=6), random_batch(1, 20)
    before = backbone(batch).values
    batch.codes[0, 10] = (batch.codes[0, 10] + 1) % 4
    changed = (backbone(batch).values != before).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [8, 9, 10, 11, 12]
    for facts in (multilabel_facts(20), multilabel_facts(20, resolution_bp=4)):
        head = ProbeHead(GatedNet(dim=8), facts, dim=5)
        places = (1, 5, 3) if facts.resolution_bp else (1, 3)
        assert head(GatedNet(dim=8)(batch), batch).shape == places
