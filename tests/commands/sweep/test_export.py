"""`genolightning sweep export`."""

import yaml

from tests.helpers.tiny import run


def test_an_exported_search_calls_our_train_with_the_same_space(capsys):
    assert run("sweep", "export", "hyena_search", "--format", "wandb") == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert made["method"] == "bayes"
    assert made["command"][:5] == ["${env}", "python", "-m", "genolightning", "train"]
    assert made["parameters"]["optimizer.lr"] == {"distribution": "log_uniform_values", "min": 1e-4, "max": 5e-3}
    assert "model=hyena" in made["command"]
