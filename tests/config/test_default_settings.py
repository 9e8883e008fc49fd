"""The settings that shipped configs make: a record of one differs from them in nothing."""

from types import SimpleNamespace

import pytest

from genolightning.analysis.run_table import settings
from genolightning.config.default_settings import DefaultSettings
from genolightning.config.sweep_values import training_config


def record_of(*overrides: str) -> SimpleNamespace:
    return SimpleNamespace(config=training_config(overrides))


@pytest.fixture(scope="module")
def defaults() -> DefaultSettings:
    return DefaultSettings(None)


def differing(record: SimpleNamespace, base: dict) -> set[str]:
    own = settings(record.config)
    return {key for key in own.keys() | base.keys() if own.get(key) != base.get(key)}


def test_a_plain_run_differs_in_nothing_and_an_override_is_what_differs(defaults):
    plain = record_of("model=cnn", "dataset=gue_tf_0")
    named, base = defaults(plain)
    changed = record_of("model=cnn", "dataset=gue_tf_0", "dataset.batch_size=7")
    assert named == []
    assert differing(changed, base) - differing(plain, base) == {"dataset.batch_size"}


def test_a_model_of_somebody_elses_has_no_defaults(defaults):
    for choices in ({"model": "mine"}, {}):
        assert defaults(SimpleNamespace(config={"choices": choices})) is None


def test_a_dataset_of_somebody_elses_leaves_the_models_defaults(defaults):
    _, base = defaults(SimpleNamespace(config={"choices": {"model": "cnn", "dataset": "mine"}}))
    assert base
    assert not [key for key in base if key.startswith("dataset.")]


def test_configs_are_composed_once(defaults, monkeypatch):
    record = record_of("model=cnn", "dataset=gue_tf_0")
    first = defaults(record)
    monkeypatch.setattr("genolightning.config.default_settings.training_config", None)
    assert defaults(record) == first
