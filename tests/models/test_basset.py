"""Basset as published, its head, and models that read windows of one length."""

import pytest

from genolightning.errors import UserError
from genolightning.models.basset import Basset, UnitsHead
from genolightning.models.deepsea import DeepSEA
from genolightning.models.gated import GatedNet
from tests.helpers.batches import multilabel_facts, random_batch


def test_basset_leaves_2000_numbers_of_600_bases():
    backbone = Basset(facts=multilabel_facts(600, 164))
    assert backbone.dim * backbone.positions == 2_000
    assert backbone(random_batch(2, 600)).values.shape == (2, 10, 200)
    assert UnitsHead(backbone, multilabel_facts(600, 164)).layers[0].in_features == 2_000


@pytest.mark.parametrize("model", [Basset, DeepSEA])
@pytest.mark.parametrize("length_bp", [1, 168, 400, 601])
def test_fixed_models_know_how_many_positions_they_leave(model, length_bp):
    backbone = model(facts=multilabel_facts(length_bp))
    assert backbone(random_batch(2, length_bp)).values.shape == (2, backbone.positions, backbone.dim)


def test_a_lone_row_can_be_trained_on_by_a_head_with_batch_norm():
    backbone = Basset(facts=multilabel_facts(200))
    head, features = UnitsHead(backbone, multilabel_facts(200), units=(8,)), backbone(random_batch(1, 200))
    assert head.train()(features, random_batch(1, 200)).isfinite().all()


def test_heads_of_fixed_models_refuse_labels_on_bases_and_backbones_of_any_length():
    with pytest.raises(UserError, match="choose model=convnet"):
        UnitsHead(Basset(facts=multilabel_facts(200)), multilabel_facts(200, resolution_bp=1))
    with pytest.raises(UserError, match="backbone of fixed length"):
        UnitsHead(GatedNet(dim=8), multilabel_facts(200))
