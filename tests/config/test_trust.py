"""A run folder may come from anyone: nothing in it runs but constructors on the list."""

import copy
from pathlib import Path

import pytest
import yaml

from genolightning.config import keys
from genolightning.config import trust as saved
from genolightning.errors import UntrustedRun, UserError

HONEST = {
    "seed": 1,
    "dataset": {"_target_": "genolightning.data.datamodule.TableDataModule", "name": "t", "batch_size": "${seed}"},
    "model": {
        "_target_": "genolightning.training.module.SequenceModule",
        "_partial_": True,
        "backbone": {"_target_": "genolightning.models.cnn.CNN", "_partial_": True},
        "optimizer": {"_target_": "torch.optim.AdamW", "_partial_": True},
        "layers": [{"_target_": "torch.nn.Linear", "in_features": 2}],
        "score": {"_target_": "torchmetrics.classification.BinaryAUROC"},
    },
    "trainer": {"_target_": "lightning.pytorch.Trainer", "max_epochs": 3},
    "callbacks": {"early": {"_target_": "lightning.pytorch.callbacks.EarlyStopping"}},
    "logger": {"csv": {"_target_": "lightning.pytorch.loggers.CSVLogger"}},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "run" / ".hydra").mkdir(parents=True)
    return tmp_path / "run"


@pytest.fixture
def marker(tmp_path, monkeypatch) -> Path:
    """A file that the hostile configs would make."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "marker"


def write(folder: Path, text: str | dict) -> Path:
    (folder / ".hydra" / "config.yaml").write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return folder


def with_part(part: object, where: str = "model") -> dict:
    config = copy.deepcopy(HONEST)
    config[where]["part"] = part
    return config


def test_an_honest_run_is_read_as_plain_values_with_nothing_left_to_resolve(folder):
    read = saved.read(write(folder, HONEST))
    assert read["dataset"]["batch_size"] == 1
    assert read["model"] == HONEST["model"]
    assert type(read["model"]["layers"]) is list


def test_this_machine_s_own_parts_can_be_left_in_the_folder(folder):
    read = saved.read(write(folder, HONEST), without=keys.machine_groups())
    assert set(read) == {"seed", "dataset", "model"}


TOUCH = {"_target_": "os.system", "command": "touch marker"}

HOSTILE = {
    "a function of another package": TOUCH,
    "nested deeper": {"a": {"b": [{"c": TOUCH}]}},
    "in a list": [1, TOUCH],
    "a part that is made later": TOUCH | {"_partial_": True},
    "an interpolated name": {"_target_": "${model.name}", "command": "touch marker"},
    "made by oc.create": "${oc.create:{_target_:os.system,command:'touch marker'}}",
    "made by oc.decode": "${oc.create:${oc.decode:'{_target_: os.system, command: touch marker}'}}",
    "escaped, so that a second resolution makes it": "\\${oc.create:{_target_:os.system,command:'touch marker'}}",
    "Hydra's own get_method": {"_target_": "hydra.utils.get_method", "path": "os.system"},
    "Hydra's own call": {"_target_": "hydra.utils.instantiate", "config": "${model.name}"},
    "a function on the list": {"_target_": "genolightning.training.tasks.for_facts"},
    "a function of torch.nn": {"_target_": "torch.nn.functional.relu"},
    "torch.load": {"_target_": "torch.load", "f": "marker"},
    "torch.hub": {"_target_": "torch.hub.load", "repo_or_dir": "someone/something"},
    "a module on the list that holds another": {
        "_target_": "genolightning.data.encoded_split.os.system",
        "command": "touch marker",
    },
    "a class that a module on the list imports": {"_target_": "genolightning.config.trust.Path"},
    "a foreign class under a name on the list": {"_target_": "genolightning.data.encoded_split.Path"},
    "a foreign class": {"_target_": "subprocess.Popen", "args": ["touch", "marker"]},
    "a method of a class on the list": {
        "_target_": "genolightning.training.module.SequenceModule.load_from_checkpoint"
    },
    "a name that only begins like one on the list": {"_target_": "torch.nnn.Linear"},
    "a package itself": {"_target_": "torch.nn"},
    "a name that is no text": {"_target_": 3},
    "a list of names": {"_target_": ["os.system"]},
    "no name at all": {"_target_": None},
}


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("where", ["model", "dataset", "trainer"])
def test_a_hostile_run_is_refused_and_nothing_ran(folder, marker, part, where):
    config = with_part(part, where)
    config["model"]["name"] = "os.system"
    write(folder, config)
    with pytest.raises(UntrustedRun) as refused:
        saved.read(folder, without=keys.machine_groups())
    assert "config.yaml" in str(refused.value)
    assert not marker.exists()


@pytest.mark.parametrize("key", ["defaults", "hydra"])
def test_a_run_cannot_steer_the_next_composition(folder, key):
    write(folder, HONEST | {key: {"searchpath": ["pkg://os"]}})
    with pytest.raises(UntrustedRun, match=key):
        saved.read(folder)


@pytest.mark.parametrize(
    "text",
    [
        "dataset: !!python/object/apply:os.system ['touch marker']\nmodel: {}",
        "dataset: [",
        "dataset: motifs\nmodel: {}",
        "- a list",
        "",
        "dataset: {}",
        "dataset: {x: '${nothing}'}\nmodel: {}",
        "dataset: {x: '${oc.env:SURELY_NOT_SET}'}\nmodel: {}",
        "dataset: {x: '${os.system:touch marker}'}\nmodel: {}",
    ],
)
def test_what_is_no_run_config_is_refused_by_name(folder, marker, text):
    write(folder, text)
    with pytest.raises(UserError, match=r"config\.yaml"):
        saved.read(folder)
    assert not marker.exists()


def test_bytes_that_are_no_text_are_refused(folder):
    (folder / ".hydra" / "config.yaml").write_bytes(b"\x80\x04\x95\xff\x00")
    with pytest.raises(UserError, match=r"config\.yaml"):
        saved.read(folder)


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        saved.read(tmp_path)


def test_trust_adds_one_package_and_no_other(folder):
    write(folder, with_part({"_target_": "tests.config.test_trust.Ours"}))
    with pytest.raises(UntrustedRun, match="trust=tests"):
        saved.read(folder)
    assert saved.read(folder, trust="tests")["model"]["part"]["_target_"].endswith("Ours")
    with pytest.raises(UntrustedRun):
        saved.read(folder, trust="test")
    write(folder, with_part({"_target_": "tests.config.test_trust.Path"}))
    with pytest.raises(UntrustedRun):
        saved.read(folder, trust="tests")


class Ours:
    """A class of a user's own package."""
