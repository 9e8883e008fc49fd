"""Arguments in, config and run folder out, and one line for every mistake. A toy command replaces training."""

import inspect
import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from genolightning import cli
from genolightning.config import compose
from genolightning.config import help as words
from genolightning.config import trust as saved
from genolightning.config.overrides import value_of
from genolightning.errors import Diverged, UserError
from genolightning.runs.folder import run_folder

TOY = {
    "dataset/toy": """
        # a dataset that is only its facts
        _target_: tests.commands.test_front_door.ToyData
        name: toy
        kind: binary
        classes: [a, b]
        train: null
        batch_size: 64
        share: 0.1
        bucket: false
        seed: ${seed}""",
    "dataset/needy": "# has no file of its own\nname: needy\ntrain: ???",
    "dataset/broken": "# not YAML\nname: [",
    "model/toy": """
        # a model with a wish of its own
        defaults:
          - override /optimizer@_global_.optimizer: sgd
          - override /scheduler@_global_.scheduler: none
          - _self_
        optimizer: ${optimizer}
        scheduler: ${scheduler}""",
    "experiment/ours": """
        # @package _global_
        # an experiment has the word before the model
        defaults:
          - override /optimizer: adam
        seed: 7""",
}


class ToyData:
    """Takes what toy.yaml holds; raises what the test asks for by `name`."""

    def __init__(self, name: str, **facts: object) -> None:
        raised = {
            "missing": UserError("no such file\n  fetch it"),
            "diverged": Diverged("loss is nan"),
            "bug": KeyError(1),
        }
        if name in raised:
            raise raised[name]
        if name == "interrupt":
            raise KeyboardInterrupt
        if name == "lightning interrupt":
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt:
                sys.exit(1)
        if name == "wrong":
            raise ValueError("batch_size should be even")


def toy_main(given: list[str]) -> int:
    """What every composing verb does, without the torch."""
    args = words.parse("train", given)
    resume = value_of(args.overrides, "resume")
    if resume:
        kept = saved.read(resume, trust=value_of(args.overrides, "trust"))
        composed = compose.compose("saved", args.overrides, config_dir=args.config_dir, saved=kept)
    else:
        composed = compose.compose("train", args.overrides, config_dir=args.config_dir)
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    if args.cfg:
        print(OmegaConf.to_yaml(composed.cfg, resolve=True))
        return 0
    path = Path(resume).absolute() if resume else composed.folder("train")
    with run_folder(path, composed.text, resumed=bool(resume)) as folder:
        print(folder)
        instantiate(composed.cfg.dataset, _convert_="all")
    return 0


@pytest.fixture
def configs(tmp_path) -> Path:
    for name, text in TOY.items():
        file = tmp_path / "configs" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(inspect.cleandoc(text))
    return tmp_path / "configs"


@pytest.fixture
def toy(configs, monkeypatch, capsys):
    """Call `genolightning toy ...` in this process; returns its exit code and what it printed."""
    monkeypatch.setitem(cli.VERBS, "toy", "a verb of the tests")
    monkeypatch.setitem(sys.modules, "genolightning.commands.toy", SimpleNamespace(main=toy_main))
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "GENOLIGHTNING_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*given: str, data: str = "toy", model: str = "toy") -> SimpleNamespace:
        given = (f"--config-dir={configs}", *([f"dataset={data}", f"model={model}"] if data else []), *given)
        monkeypatch.setattr(sys, "argv", ["genolightning", "toy", *given])
        code = cli.main()
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err, lines=printed.err.splitlines())

    return run


def call(monkeypatch, capsys, *given: str) -> SimpleNamespace:
    monkeypatch.setattr(sys, "argv", ["genolightning", *given])
    code = cli.main()
    printed = capsys.readouterr()
    return SimpleNamespace(code=code, out=printed.out, err=printed.err, lines=printed.err.splitlines())


# verbs and help


def test_every_verb_that_is_offered_exists():
    assert [verb for verb in cli.VERBS if find_spec(f"genolightning.commands.{verb}") is None] == []


def test_help_without_a_verb_lists_the_verbs(monkeypatch, capsys):
    told = call(monkeypatch, capsys)
    assert told.code == 0
    assert all(f"  {verb} " in told.out for verb in cli.VERBS)


def test_an_unknown_verb_names_the_real_ones(monkeypatch, capsys):
    told = call(monkeypatch, capsys, "trian")
    assert (told.code, len(told.lines)) == (2, 1)
    assert "train" in told.err


def test_help_of_a_verb_shows_groups_keys_and_two_examples(toy):
    text = toy("--help").out
    assert "optimizer   (adamw) adam adamw adamw_strong sgd" in text
    assert "needy" in text, "the choices of --config-dir belong to the list"
    assert "seed=1" in text
    assert text.count("  genolightning train ") == 2


def test_every_primary_config_explains_itself():
    for verb in ("train", "test", "predict"):
        text = words.explain(verb)
        assert text.count(f"  genolightning {verb} ") >= 2
        assert "trainer     (default)" in text


@pytest.mark.parametrize(
    ("given", "seconds"), [(["--help"], 0.4), (["train", "--help"], 0.4), (["datasets", "list"], 1)]
)
def test_light_words_answer_at_once_and_without_torch(given, seconds):
    script = (
        "import sys, time; from genolightning import cli; sys.argv[1:] = sys.argv[1:]; code = cli.main();"
        "heavy = {'torch', 'lightning', 'hydra', 'polars', 'scipy', 'sklearn', 'numpy', 'rich'} & set(sys.modules);"
        "print(code, sorted(heavy), time.process_time(), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script, *given], capture_output=True, text=True, check=True)
    code, heavy, spent = ran.stderr.split(maxsplit=2)
    assert (code, heavy) == ("0", "[]")
    assert float(spent) < seconds


# mistakes


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("optimizer=adm", "there are adam, adamw, adamw_strong, sgd"),
        ("optimizer=adm", "did you mean adam?"),
        ("datset=toy", "did you mean dataset?"),
        ("sead=3", "did you mean seed?"),
        ("+sead=3", "nothing reads sead; did you mean seed?"),
        ("++never.heard=of", "nothing reads never.heard"),
        ("dataset.batchsize=3", "did you mean batch_size?"),
        ("dataset.batch_size=abc", "dataset.batch_size=abc: expected a whole number, like 64"),
        ("dataset.batch_size=1.5", "a whole number"),
        ("dataset.batch_size=true", "a whole number"),
        ("dataset.share=many", "a number, like 0.1"),
        ("dataset.bucket=3", "true or false"),
        ("dataset.classes=3", "a list"),
        ("dataset.seed=abc", "a whole number"),
        ("trainer.max_epochs=abc", "a whole number"),
        ("trainer={max_epochs: 3}", "trainer.KEY=VALUE"),
        ("trainer=null", "name one of cpu"),
        ("trainer=3", "name one of cpu"),
        ("dataset=null", "name one of"),
        ("~dataset", "dataset"),
        ("dataset=needy", "dataset.train has no value; add dataset.train="),
        ("dataset=broken", "broken.yaml"),
        ("=3", "key=value"),
        ("seed", "key=value"),
        ("dataset.name=a=b", "quotes"),
        ("seed=1,2", "seed=1,2"),
        ("dataset=glob(*)", "a run takes one"),
        ("seed=${nothing}", "nothing"),
        ("seed=${oc.env:SURELY_NOT_SET}", "SURELY_NOT_SET"),
        ("-m", "-m"),
        ("--cfgg", "--cfgg"),
        ("--cfg=all", "all"),
        ("--config-dir=/nowhere/at/all", "no such folder"),
        ("dataset.name=missing", "no such file fetch it"),
        ("dataset.name=wrong", "dataset: batch_size should be even"),
        ("dataset._target_=tests.commands.nowhere.Data", "tests.commands.nowhere"),
        ("resume=/nowhere/at/all", "not a run folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(toy, tmp_path, given, told):
    said = toy(given)
    assert (said.code, len(said.lines)) == (2, 1), said.err
    assert told in said.err
    assert not list(tmp_path.glob("logs/**/config.yaml"))


def test_a_value_of_another_type_can_be_forced(toy):
    assert "batch_size: abc" in toy("++dataset.batch_size=abc", "--cfg=job").out


def test_debug_shows_where_a_mistake_was_found(toy, monkeypatch):
    monkeypatch.setenv("GENOLIGHTNING_DEBUG", "1")
    said = toy("dataset.name=missing")
    assert said.code == 2
    assert "Traceback" in said.err


@pytest.mark.parametrize(
    ("name", "code"), [("diverged", 3), ("bug", 1), ("interrupt", 130), ("lightning interrupt", 130)]
)
def test_exit_codes_tell_what_happened(toy, name, code):
    said = toy(f"dataset.name={name}")
    assert said.code == code
    assert ("Traceback" in said.err) == (name == "bug")


# values


@pytest.mark.parametrize(
    "path", ["a=b,c/d e.csv", "it's.csv", "back\\slash\\", "a\\'b", "[x]{y}", "${seed}.csv", "007"]
)
@pytest.mark.parametrize("key", ["dataset.train", "hydra.run.dir"])
def test_a_path_is_taken_as_it_stands(configs, tmp_path, key, path):
    given = ["dataset=toy", "model=toy", f"{key}={tmp_path}/{path}"]
    composed = compose.compose("train", given, config_dir=configs)
    found = composed.cfg.dataset.train if key == "dataset.train" else composed.run_dir
    assert str(found) == f"{tmp_path}/{path}".replace("${seed}", "1")
    assert value_of(given, key) == f"{tmp_path}/{path}"


def test_quotes_that_the_user_wrote_are_not_part_of_a_path(configs):
    given = ["dataset=toy", "model=toy", "dataset.train='a,b.csv'"]
    assert compose.compose("train", given, config_dir=configs).cfg.dataset.train == "a,b.csv"
    assert value_of(given, "dataset.train") == "a,b.csv"


def test_a_model_may_wish_for_an_optimizer_and_the_user_has_the_last_word(configs):
    def optimizer(*given: str) -> str:
        cfg = compose.compose("train", ["dataset=toy", "model=toy", *given], config_dir=configs).cfg
        assert cfg.model.optimizer == cfg.optimizer
        return cfg.optimizer._target_

    assert optimizer() == "torch.optim.SGD"
    assert optimizer("experiment=ours") == "torch.optim.Adam"
    assert optimizer("experiment=ours", "optimizer=adamw") == "torch.optim.AdamW"


def test_no_scheduler_is_null(configs):
    cfg = compose.compose("train", ["dataset=toy", "model=toy"], config_dir=configs).cfg
    assert cfg.model.scheduler is None


def test_the_config_says_which_choices_it_was_made_of(configs):
    cfg = compose.compose("train", ["dataset=toy", "model=toy", "trainer=debug"], config_dir=configs).cfg
    assert (cfg.choices.dataset, cfg.choices.model, cfg.choices.trainer) == ("toy", "toy", "debug")


@pytest.mark.parametrize("choice", ["default", "cpu", "gpu", "ddp", "debug", "deterministic"])
def test_every_trainer_key_is_one_that_lightning_knows(configs, choice):
    from lightning.pytorch import Trainer

    cfg = compose.compose("train", ["dataset=toy", "model=toy", f"trainer={choice}"], config_dir=configs).cfg
    keys = set(cfg.trainer) - {"_target_"}
    assert keys <= set(inspect.signature(Trainer).parameters)
    # a record has every row of the test split, so no key may skip some
    assert not keys & {"limit_test_batches", "limit_predict_batches", "fast_dev_run", "barebones"}


@pytest.mark.parametrize("choice", ["adam", "adamw", "sgd"])
def test_every_optimizer_takes_a_parameter(configs, choice):
    import torch
    from hydra.utils import instantiate

    cfg = compose.compose("train", ["dataset=toy", "model=toy", f"optimizer={choice}"], config_dir=configs).cfg
    made = instantiate(cfg.optimizer, _convert_="all")([torch.nn.Parameter(torch.zeros(1))])
    assert made.param_groups[0]["lr"] == cfg.optimizer.lr


# run folders


def test_a_run_folder_is_named_after_verb_dataset_and_model_and_holds_the_config(toy, tmp_path):
    folder = Path(toy("seed=5").out.strip())
    assert folder.parent == tmp_path / "logs" / "train" / "toy" / "toy"
    assert folder.name.split("-")[2] == "5"
    written = yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
    assert (written["seed"], written["dataset"]["name"]) == (5, "toy")
    assert [path.name for path in (folder / ".hydra").iterdir()] == ["config.yaml"]


def test_a_dataset_name_cannot_lead_out_of_the_logs(toy, tmp_path):
    folder = Path(toy("dataset.name='../../x'").out.strip())
    assert folder.resolve().is_relative_to(tmp_path / "logs" / "train")


def test_two_runs_in_one_folder_are_refused(toy, configs, tmp_path):
    folder = tmp_path / "mine"
    composed = compose.compose("train", ["dataset=toy", "model=toy", f"hydra.run.dir={folder}"], config_dir=configs)
    with run_folder(composed.folder("train"), composed.text):
        said = toy(f"hydra.run.dir={folder}")
        assert (said.code, len(said.lines)) == (2, 1)
        assert "another run" in said.err
    assert toy(f"hydra.run.dir={folder}").code == 0


def test_a_folder_that_holds_a_run_is_not_overwritten(toy, tmp_path):
    folder = tmp_path / "mine"
    assert toy(f"hydra.run.dir={folder}").code == 0
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()
    said = toy(f"hydra.run.dir={folder}")
    assert (said.code, len(said.lines)) == (2, 1)
    assert f"train resume={folder}" in said.err
    (folder / "record.json").touch()
    said = toy(f"hydra.run.dir={folder}")
    assert (said.code, len(said.lines)) == (2, 1)
    assert "finished" in said.err


def test_a_resumed_run_keeps_its_folder_its_choices_and_takes_new_values(toy, tmp_path):
    folder = tmp_path / "odd, name=x"
    assert toy(f"hydra.run.dir={folder}", "seed=3").code == 0
    again = toy(f"resume={folder}", "trust=tests", "trainer.max_epochs=2", data="")
    assert again.code == 0, again.err
    assert Path(again.out.strip()) == folder
    written = yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
    assert (written["seed"], written["trainer"]["max_epochs"], written["choices"]["model"]) == (3, 2, "toy")
    for swap in ("dataset=needy", "+model=toy", "trainer=cpu"):
        said = toy(f"resume={folder}", "trust=tests", swap, data="")
        assert (said.code, len(said.lines)) == (2, 1)
        assert f"a run keeps its own {swap.strip('+').partition('=')[0]}" in said.err


def test_a_place_that_cannot_be_written_is_one_line(toy, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "file"))
    said = toy()
    assert (said.code, len(said.lines)) == (2, 1)
    assert "cannot write the run folder" in said.err
    assert "GENOLIGHTNING_LOGS" in said.err


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_logs_folder_is_one_line(toy, tmp_path):
    (tmp_path / "logs").mkdir(mode=0o500)
    said = toy()
    assert (said.code, len(said.lines)) == (2, 1)


def test_the_other_processes_of_a_run_learn_its_folder(toy, monkeypatch, tmp_path):
    with run_folder(tmp_path / "first", "seed: 1") as folder:
        config = folder / ".hydra" / "config.yaml"
        config.unlink()
        monkeypatch.setenv("LOCAL_RANK", "1")
        assert toy("dataset.train=/a=b.csv").out == f"{folder}\n"
        monkeypatch.delenv("LOCAL_RANK")
        assert not config.exists(), "only the first process writes"
    assert toy().out != f"{folder}\n"


def test_processes_started_from_outside_must_be_given_one_folder(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = toy()
    assert (said.code, len(said.lines)) == (2, 1)
    assert "hydra.run.dir=DIR" in said.err
    assert toy(f"hydra.run.dir={tmp_path / 'mine'}").code == 0


def test_a_mistake_found_after_writing_keeps_the_folder(configs, tmp_path):
    composed = compose.compose("train", ["dataset=toy", "model=toy", f"hydra.run.dir={tmp_path}/r"], config_dir=configs)
    with suppress(UserError), run_folder(composed.folder("train"), composed.text) as folder:
        (folder / "metrics.csv").touch()
        raise UserError("too late")
    assert (tmp_path / "r" / ".hydra" / "config.yaml").exists()
