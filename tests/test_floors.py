"""Layers: imports go one way only, only `config/` imports Hydra, and light commands import little."""

import ast
from collections.abc import Iterator
from pathlib import Path

import genolightning

PACKAGE = Path(genolightning.__file__).parent

FLOORS = [
    {"paths", "errors", "console", "facts"},
    {"storage"},
    {"genome", "statistics"},
    {"batch"},
    {"benchmarks"},
    {"data", "models"},
    {"training"},
    {"runs"},
    {"analysis"},
    {"report"},
    {"config"},
    {"sweeps"},
    {"api", "api_leaderboard", "api_run", "api_tables"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
UPHILL: set[str] = set()  # stays empty
STILL_SPEAK_HYDRA: set[str] = set()  # stays empty
STRANGERS = [{"data", "models"}, {"genome", "statistics"}]  # on one floor, and neither sees the other
HEAVY = {"torch", "lightning", "torchmetrics", "transformers", "sklearn", "wandb", "scipy", "polars", "numpy", "rich"}


def files() -> list[Path]:
    return [file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py"]


def room(name: str) -> str:
    """genolightning.genome.alphabet -> genome"""
    return name.split(".")[1]


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, *, at_import: bool = False) -> Iterator[str]:
    """Names of the modules a file imports, everywhere or only when it is imported itself."""
    nodes = list(ast.iter_child_nodes(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif (at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))) or (
            at_import and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ):
            continue
        else:
            yield from imported(node, at_import=at_import)


def ours(names: Iterator[str]) -> list[str]:
    """Those of our own modules, without `genolightning.__version__`."""
    return [name for name in names if name.startswith("genolightning.") and not room(name).startswith("__")]


def test_every_file_has_a_floor():
    assert {room(name_of(file)) for file in files()} <= set().union(*FLOORS)


def test_imports_go_downhill():
    floor = {name: level for level, names in enumerate(FLOORS) for name in names}
    uphill = {
        f"{name_of(file)} imports {name}"
        for file in files()
        for name in ours(imported(ast.parse(file.read_text())))
        if floor[room(name)] > floor[room(name_of(file))]
        or any({room(name), room(name_of(file))} == pair for pair in STRANGERS)
    }
    assert uphill == UPHILL


def test_hydra_is_spoken_in_commands_only():
    speakers = {
        room(name_of(file))
        for file in files()
        for name in imported(ast.parse(file.read_text()))
        if name.split(".")[0] in ("hydra", "omegaconf")
    }
    assert speakers == {"config", *STILL_SPEAK_HYDRA}


def test_the_numpy_rooms_know_no_torch():
    seen = [
        f"{name_of(file)} imports {name}"
        for file in files()
        for name in imported(ast.parse(file.read_text()))
        if room(name_of(file)) in ("paths", "errors", "genome", "statistics", "benchmarks")
        and name.split(".")[0] in ("torch", "lightning", "torchmetrics")
    ]
    assert seen == []


def test_light_verbs_import_nothing_heavy():
    """What `--help` and `datasets list` import, followed through our own modules as they are imported."""
    trees = {name_of(file): ast.parse(file.read_text()) for file in files()}
    todo = [
        "genolightning.cli",
        *(
            f"genolightning.commands.{name}"
            for name in ("datasets", "models", "compose", "saved", "sweep", "watch", "export", "leaderboard")
        ),
    ]
    reached: dict[str, str] = {}
    while todo:
        module = todo.pop()
        if module in reached or module not in trees:
            continue
        names = list(imported(trees[module], at_import=True))
        reached[module] = " ".join(sorted({name.split(".")[0] for name in names} & (HEAVY | {"hydra", "omegaconf"})))
        todo += [part for name in ours(iter(names)) for part in (name, name.rpartition(".")[0])]
    assert "genolightning.paths" in reached
    assert {module: heavy for module, heavy in reached.items() if heavy} == {}
