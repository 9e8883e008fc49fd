"""What a config keeps of Python objects, and that it does not claim to rebuild them."""

import pytest
from torch import nn

from genolightning.config import python_objects
from genolightning.errors import UserError


def test_a_backbone_keeps_its_class_and_the_settings_around_it():
    config = python_objects.model_config(nn.Linear(2, 1), {"strand": "none", "clip": 1.0, "backbone": {}})
    assert config["python_class"] == "torch.nn.modules.linear.Linear"
    assert (config["strand"], config["clip"]) == ("none", 1.0)
    assert "backbone" not in config
    module = python_objects.backbone_config({"model": config, "optimizer": {"lr": 1}, "scheduler": None})
    assert module["_target_"].endswith("SequenceModule")
    assert (module["optimizer"], module["clip"]) == ({"lr": 1}, 1.0)


def test_an_object_is_never_rebuilt():
    config = {"model": python_objects.object_config(nn.Identity()), "dataset": {"name": "motifs"}}
    with pytest.raises(UserError, match="pass it again: model=OBJECT"):
        python_objects.refuse_rebuilding(config, "model")
    python_objects.refuse_rebuilding(config, "dataset")
    assert len(python_objects.warnings_of(config)) == 1
