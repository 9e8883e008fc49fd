"""The shape of the package, measured over its syntax trees: sizes, docstrings, names, vocabulary, import circles.

Every figure has a target. Where it is not reached yet, `BOUND` holds what was last reached: it may only come nearer to
the target. `python -m tests.test_structure` prints all figures, and what keeps each from its target.
"""

import ast
import io
import re
import statistics
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import genolightning

PACKAGE = Path(genolightning.__file__).parent
TESTS = Path(__file__).parent
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
IDIOM = re.compile(
    r"sa(y|ys|id|ying)|t(ell|ells|old|elling)|word(s|ed|ing)?|wish(es|ed|ing)?|ask(s|ed|ing)?|st(and|ands|ood|anding)"
    r"|l(ie|ies|ying|ain)|heed(s|ed|ing)?|torn|twins?|rooms?|floors?|doors?|house[sd]?|housing|beside|alike"
    r"|hear(s|d|ing)?|strange(rs?|ly)?"
)
ARRAYS = re.compile(r"\b(Tensor|NDArray|ndarray|ArrayLike|Array)\b")
SHAPE = re.compile(
    r"\((?:\w+|\d+)(?: \w+)?,|\b(?:u?int(?:8|16|32|64)|b?float(?:16|32|64)?|bool|complex64|scalar|0-d)\b"
    r"|\b(?:bp|bases?|nats?|bits?|seconds|bytes|MiB|codes)\b"
)
PUBLIC_TUPLE = {"_replace", "_asdict", "_fields", "_make", "_field_defaults"}


@cache
def sources() -> dict[str, str]:
    """Every module's text, by its path below the package."""
    return {str(file.relative_to(PACKAGE)): file.read_text() for file in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources().items()}


def functions(*, public: bool = False) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions and methods with `file:name`; of public ones only those whose class is public as well."""

    def inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FUNCTION):
                if not public or not child.name.startswith("_"):
                    yield f"{prefix}{child.name}", child  # type: ignore[misc]
                if not public:
                    yield from inside(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                if not public or not child.name.startswith("_"):
                    yield from inside(child, f"{prefix}{child.name}.")
            else:
                yield from inside(child, prefix)

    for name, tree in trees().items():
        yield from inside(tree, f"{name}:")


def body_lines(node: ast.FunctionDef) -> int:
    """Lines of a function from its `def`, without its docstring."""
    doc = node.body[0] if ast.get_docstring(node) is not None else None
    return (node.end_lineno or 0) - node.lineno + 1 - ((doc.end_lineno or 0) - doc.lineno + 1 if doc else 0)


def parameters(node: ast.FunctionDef) -> int:
    return len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) - 1


def own_modules(node: ast.AST) -> Iterator[str]:
    """Modules of the package that a file imports while it is imported itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTION) or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").startswith("genolightning"):
            for alias in child.names:
                for name in (f"{child.module}.{alias.name}", child.module or ""):
                    path = "/".join(name.split(".")[1:]) + ".py"
                    if path in trees():
                        yield path
                        break
        yield from own_modules(child)


def circles() -> list[str]:
    """Files that import each other, directly or through others, at module level."""
    arrows = {name: set(own_modules(tree)) for name, tree in trees().items()}
    reach = {name: set(targets) for name, targets in arrows.items()}
    changed = True
    while changed:
        changed = False
        for targets in reach.values():
            more = set().union(*(reach[one] for one in targets)) - targets if targets else set()
            if more:
                targets |= more
                changed = True
    return sorted(name for name, targets in reach.items() if name in targets)


def long_files() -> list[str]:
    return [f"{name} {count}" for name, text in sources().items() if (count := text.count("\n")) > 300]


def large_folders() -> list[str]:
    counts = Counter(str(Path(name).parent) for name in sources() if not name.endswith("__init__.py"))
    return [f"{folder} {count}" for folder, count in counts.items() if count > 16]


def command_lines() -> dict[str, int]:
    return {
        name: text.count("\n")
        for name, text in sources().items()
        if name.startswith("commands/") and not name.endswith("__init__.py")
    }


def long_constructors() -> list[str]:
    return [
        f"{name} {count}" for name, node in functions() if node.name == "__init__" and (count := parameters(node)) > 6
    ]


def function_lines() -> list[int]:
    return sorted(body_lines(node) for _, node in functions())


def without_docstring() -> list[str]:
    """Public classes, functions and methods without a docstring; overloads of a documented library method included."""
    missing = [name for name, node in functions(public=True) if ast.get_docstring(node) is None]
    for file, tree in trees().items():
        missing += [f"{file}:{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)
                    and not node.name.startswith("_") and ast.get_docstring(node) is None]  # fmt: skip
    return missing


def arrays_without_shape() -> tuple[list[str], int]:
    """Public functions of arrays whose docstring gives neither shape, dtype nor unit; and how many there are."""
    found = []
    count = 0
    for name, node in functions(public=True):
        hints = [one.annotation for one in [*node.args.args, *node.args.kwonlyargs]] + [node.returns]
        if any(hint is not None and ARRAYS.search(ast.unparse(hint)) for hint in hints):
            count += 1
            if not SHAPE.search(ast.get_docstring(node) or ""):
                found.append(name)
    return found, count


def without_test() -> list[str]:
    """Modules without a test file at the mirrored path."""
    modules = [Path(name) for name in sources() if Path(name).stem not in ("__init__", "__main__")]
    return [str(one) for one in modules if not (TESTS / one.parent / f"test_{one.name}").exists()]


def test_lines_per_code_line() -> float:
    tests = sum(file.read_text().count("\n") for file in TESTS.rglob("*.py"))
    return tests / sum(text.count("\n") for text in sources().values())


test_lines_per_code_line.__test__ = False  # type: ignore[attr-defined]


def _is_kind(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "kind") or (
        isinstance(node, ast.Name) and node.id == "kind"
    )


def compare_kinds() -> list[str]:
    """Files that decide by comparing a target's kind."""
    found = set()
    for name, tree in trees().items():
        for node in ast.walk(tree):
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            sides += [node.subject] if isinstance(node, ast.Match) else []
            if isinstance(node, ast.Attribute) and node.attr in ("endswith", "startswith"):
                sides.append(node.value)
            if any(map(_is_kind, sides)):
                found.add(name)
    return sorted(found)


def defined_twice(*, public: bool = True) -> list[str]:
    """Names defined at module level in several files; `main`, which every command has, is not counted."""
    files: dict[str, set[str]] = defaultdict(set)
    for file, tree in trees().items():
        for node in tree.body:
            names = [node.name] if isinstance(node, (*FUNCTION, ast.ClassDef)) else []
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            names += [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            for name in names:
                files[name].add(file)
    return [
        f"{name}: {', '.join(sorted(where))}"
        for name, where in sorted(files.items())
        if len(where) > 1 and name.startswith("_") != public and not name.startswith("__") and name != "main"
    ]


def prose() -> Iterator[tuple[str, str]]:
    """Docstrings, comments and error texts, each with its file."""
    for file, text in sources().items():
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not re.match(r"#\s*(type: ignore|noqa|fmt:)", token.string):
                yield file, token.string
        for node in ast.walk(trees()[file]):
            if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTION)) and (doc := ast.get_docstring(node)):
                yield file, re.sub(r"^\s*(>>>|\.\.\.).*$", "", doc, flags=re.MULTILINE)
            if isinstance(node, ast.Raise):
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield file, part.value


def idioms() -> tuple[Counter[str], Counter[str], int]:
    """Idiom words by word and by file, and how many words there are."""
    words: Counter[str] = Counter()
    files: Counter[str] = Counter()
    total = 0
    for file, text in prose():
        plain = re.sub(r"`[^`]*`", " ", text)
        found = re.findall(r"[a-z]+", plain.lower())
        total += len(found)
        hits = [word for word in found if IDIOM.fullmatch(word)]
        words.update(hits)
        files[file] += len(hits)
    return words, +files, total


def cache_writers() -> list[str]:
    """Files that write below `cache_dir()` by themselves rather than through storage/cache.py."""
    return [
        name
        for name, text in sources().items()
        if not name.startswith("storage/")
        and re.search(r"\bcache_dir\(\)", text)
        and re.search(r"\batomic_\w+\(", text)
    ]


def foreign_private_names() -> list[str]:
    """Uses of private names that the file does not define: of other files, and of libraries."""
    found = []
    for file, tree in trees().items():
        nodes = list(ast.walk(tree))
        own = {node.name for node in nodes if isinstance(node, (*FUNCTION, ast.ClassDef))}
        own |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")}  # fmt: skip
        own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        for node in nodes:
            names = [node.attr] if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) else []
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
            found += [
                f"{file}:{node.lineno} {name}"  # type: ignore[attr-defined]
                for name in names
                if re.match(r"_[^_]", name) and name not in own | PUBLIC_TUPLE
            ]
    return found


class Figure(NamedTuple):
    """A measured figure, its target, and what keeps it from there."""

    target: float
    measure: Callable[[], float]
    reasons: Callable[[], list[str]] = list
    at_least: bool = False


def _share_with_shape() -> float:
    missing, count = arrays_without_shape()
    return 1 - len(missing) / max(count, 1)


def _idioms_per_1000() -> float:
    words, _, total = idioms()
    return 1000 * sum(words.values()) / total


FIGURES = {
    "files over 300 lines": Figure(0, lambda: len(long_files()), long_files),
    "folders over 16 files": Figure(0, lambda: len(large_folders()), large_folders),
    "files in import circles": Figure(0, lambda: len(circles()), circles),
    "lines of a command, median": Figure(60, lambda: statistics.median(command_lines().values())),
    "lines of a command, most": Figure(
        120,
        lambda: max(command_lines().values()),
        lambda: [f"{name} {count}" for name, count in command_lines().items() if count > 120],
    ),
    "constructors above 6 parameters": Figure(4, lambda: len(long_constructors()), long_constructors),
    "lines of a function, median": Figure(9, lambda: statistics.median(function_lines())),
    "lines of a function, 90 %": Figure(25, lambda: float(np.quantile(function_lines(), 0.9))),
    "public names without docstring": Figure(0, lambda: len(without_docstring()), without_docstring),
    "array functions with shape": Figure(0.95, _share_with_shape, lambda: arrays_without_shape()[0], at_least=True),
    "test lines per code line": Figure(1.0, test_lines_per_code_line, at_least=True),
    "modules without mirrored test": Figure(0, lambda: len(without_test()), without_test),
    "files that compare kinds": Figure(4, lambda: len(compare_kinds()), compare_kinds),
    "public names defined twice": Figure(0, lambda: len(defined_twice()), defined_twice),
    "private names defined twice": Figure(
        10, lambda: len(defined_twice(public=False)), lambda: defined_twice(public=False)
    ),
    "idiom words per 1,000": Figure(
        1.5, _idioms_per_1000, lambda: [*map(str, idioms()[0].most_common(12)), *map(str, idioms()[1].most_common(12))]
    ),
    "files that write caches themselves": Figure(0, lambda: len(cache_writers()), cache_writers),
    "private names of others": Figure(3, lambda: len(foreign_private_names()), foreign_private_names),
}
# What was last reached, where that is not the target yet. Bounds only come nearer to the target.
BOUND: dict[str, float] = {
    "constructors above 6 parameters": 9,
    "test lines per code line": 0.86,
    "files that compare kinds": 7,
    "public names defined twice": 25,
    "private names defined twice": 28,
    "files that write caches themselves": 3,
    "private names of others": 9,
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_does_not_move_away_from_its_target(name):
    figure = FIGURES[name]
    value, bound = figure.measure(), BOUND.get(name, figure.target)
    reached = value >= bound if figure.at_least else value <= bound
    assert reached, f"{name}: {value:.4g}, bound {bound:g}\n" + "\n".join(figure.reasons()[:40])


def test_every_bound_is_a_figure_that_is_not_at_its_target_yet():
    assert set(BOUND) <= set(FIGURES)
    assert all((bound < FIGURES[name].target) == FIGURES[name].at_least for name, bound in BOUND.items())


def report(selected: list[str]) -> Iterator[str]:
    """All figures; with words such as `idiom` also the reasons of the figures whose name holds one of them."""
    for name, figure in FIGURES.items():
        value = figure.measure()
        done = value >= figure.target if figure.at_least else value <= figure.target
        yield f"{'ok  ' if done else 'open'} {name:36} {value:8.4g}  target {figure.target:g}"
        if any(part in name for part in selected):
            yield from (f"       {reason}" for reason in figure.reasons())


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in report(sys.argv[1:]))
