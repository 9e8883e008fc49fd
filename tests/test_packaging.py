"""The wheel carries the configs, and they are found from an unpacked wheel as from a checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import genolightning
from genolightning.paths import conf_dir, sweeps_dir

ROOT = Path(genolightning.__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    from hatchling.builders.wheel import WheelBuilder

    made = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(made), versions=["standard"])))


def test_a_checkout_finds_its_own_configs():
    assert (conf_dir() / "train.yaml").is_file()
    assert sweeps_dir().is_dir()


@pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not run from a checkout")
def test_the_wheel_holds_every_module_config_and_sweep(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"genolightning/shipped/{folder}/{file.relative_to(ROOT / folder)}"
        for folder in ("conf", "sweeps")
        for file in (ROOT / folder).rglob("*.yaml")
    }
    wanted |= {str(file.relative_to(ROOT)) for file in (ROOT / "genolightning").rglob("*.py")}
    assert "genolightning/shipped/conf/train.yaml" in wanted
    assert wanted - held == set()
    assert [name for name in held if name.startswith(("tests/", "conf/", "logs/"))] == []


@pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not run from a checkout")
def test_an_unpacked_wheel_finds_the_configs_it_brought(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    told = subprocess.run(
        [sys.executable, "-c", "from genolightning.paths import conf_dir; print(conf_dir())"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(told.stdout.strip()) == tmp_path / "site" / "genolightning" / "shipped" / "conf"
    assert (tmp_path / "site" / "genolightning" / "shipped" / "conf" / "train.yaml").is_file()
