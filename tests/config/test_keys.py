"""Every key of the shipped configs has an entry in the table of keys, and the table gives what the parts rely on."""

import re

import yaml

from genolightning.config import keys
from genolightning.config.compose import leaves
from genolightning.paths import conf_dir


def shipped_keys() -> set[str]:
    """The dotted key of every value in conf/, without the facts on a dataset's card."""
    found: set[str] = set()
    for file in conf_dir().rglob("*.yaml"):
        group = file.relative_to(conf_dir()).parts[0] if file.parent != conf_dir() else ""
        text = file.read_text()
        config = {key: value for key, value in (yaml.safe_load(text) or {}).items() if key != "defaults"}
        found |= {key for key, _ in leaves({group: config} if group and "@package _global_" not in text else config)}
    return {re.sub(r"\.\d+$", "", key) for key in found}


def test_every_shipped_key_has_an_entry_of_its_own():
    missing = {key for key in shipped_keys() if keys.entry(key) in (None, "dataset", "model", "trainer", "callbacks")}
    assert missing == set(), "add these to genolightning/config/keys.py"


def test_every_entry_but_those_of_groups_is_a_key_somewhere():
    written = {"choices", "protocol", "hydra.run.dir", "dry_run", "workers", "launcher"}
    shipped = shipped_keys()
    unused = {
        name
        for name in keys.KEYS
        if name not in {*keys.GROUPS, *written} and not any(f"{key}.".startswith(f"{name}.") for key in shipped)
    }
    assert unused <= {"model.init_from", "model.layer_decay"}


def test_the_nearest_entry_above_a_key_holds_for_it():
    assert keys.entry("dataset.card.audit.verdict") == "dataset.card"
    assert not keys.properties("dataset.card.audit.verdict").changes_result
    assert keys.properties("model.mine").only_at_start
    assert keys.properties("never.heard.of").changes_result


def test_what_decides_the_held_out_rows_stays_as_it_was_at_the_start():
    for name in keys.held_out_keys():
        assert name.startswith("dataset.")
        assert keys.KEYS[name].only_at_start


def test_the_machine_has_whole_groups():
    assert keys.machine_groups() == ("trainer", "callbacks", "logger")
    for name, key in keys.KEYS.items():
        assert key.machine_only == (name.partition(".")[0] in keys.machine_groups())


def test_what_changes_no_result_is_left_out():
    assert keys.result_keys(["seed", "optimizer.lr", "dataset.on_device", "trainer.precision"]) == [
        "optimizer.lr",
        "trainer.precision",
    ]
