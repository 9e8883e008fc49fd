"""Every command in README.md and docs/ works as it is printed there, on files such as a reader would have."""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.helpers.tiny import run, sequences, write_table

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]
SHORT = ["trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=4"]  # the leaderboard omits trainer=debug
RUN_SWEEPS = ("docs/leaderboard.md", "docs/howto/sweep.md")  # the other pages' sweeps are composed and listed
REAL = ("gue_", "gb_")  # need benchmarks on disk


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.S)


def commands(page: str) -> list[str]:
    """The GenoLightning commands in a page's bash blocks; console blocks need a network, a cluster or hours."""
    lines = [line.strip() for block in blocks(page, "bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("genolightning ")]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A folder with the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    if "GENOLIGHTNING_DATA" not in os.environ:
        monkeypatch.setenv("GENOLIGHTNING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "logs"))
    (tmp_path / "conf").mkdir()
    write_table(tmp_path / "mine.csv")
    dna = sequences(5)
    (tmp_path / "promoters.fa").write_text("".join(f">p{i}\n{one}\n" for i, one in enumerate(dna)))
    (tmp_path / "genome.fa").write_text(">chr1\n" + "".join(dna) + "\n")
    (tmp_path / "peaks.bed").write_text("chr1\t0\t60\tpeak1\nchr1\t60\t130\tpeak2\n")
    (tmp_path / "long.fa").write_text(">chr1\n" + "".join(sequences(40)) + "\n")
    (tmp_path / "three.fa").write_text("".join(f">chr{i}\n{dna}\n" for i, dna in enumerate(sequences(3, 900), 1)))
    (tmp_path / "long_peaks.bed").write_text("".join(f"chr1\t{200 * i}\t{200 * i + 60}\n" for i in range(10)))
    return tmp_path


def files_of(page: str, folder: Path) -> None:
    """Write the files whose content a page shows below their names."""
    for name, content in re.findall(
        r"`([\w/]+\.(?:py|yaml))`[^\n]*:\n\n```\w+\n(.*?)```", (ROOT / page).read_text(), re.S
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def last_run(folder: Path) -> str:
    runs = sorted(folder.glob("logs/train/**/record.json"), key=os.path.getmtime)
    return str(runs[-1].parent) if runs else "RUN"


def shortened(page: str, words: list[str]) -> list[str]:
    """The arguments of a command with overrides that make it end in seconds and write into the reader's folder."""
    if "--help" in words or any(word.startswith("resume=") for word in words):
        return words
    if words[:2] == ["datasets", "build"]:
        return [*words, "--output", "built", "--config-dir", "conf"]  # not into the data root
    if words[0] not in ("train", "sweep") or words[1:2] == ["export"]:
        return words
    small = ["model.backbone.dim=8", "model.backbone.blocks=1"] if "model=convnet" in words else []
    listed = ["dry_run=true"] if words[0] == "sweep" and page not in RUN_SWEEPS else []
    return [*words, *SHORT, *small, *listed]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_and_the_python_of_a_page_work(page, reader, monkeypatch):
    files_of(page, reader)
    monkeypatch.syspath_prepend(str(reader))
    here = (Path(os.environ["GENOLIGHTNING_DATA"]) / "gue").exists()
    for line in commands(page):
        words = shlex.split(line.replace("RUN", last_run(reader)), comments=True)[1:]
        if any(name in line for name in REAL) and words[0] != "datasets" and not here:
            continue
        assert run(*shortened(page, words)) == 0, line
    run_python(page, reader)


def test_the_python_of_pages_without_commands_works(reader):
    assert run("train", "dataset=table", "dataset.train=mine.csv", "trainer=debug") == 0
    for page in PAGES:
        if not commands(page):
            run_python(page, reader)


def run_python(page: str, folder: Path) -> None:
    """Run the python blocks of a page that are not files, one after the other as in a notebook."""
    names = {"__name__": "notebook"}
    for block in blocks(page, "python"):
        if not any(block == file.read_text() for file in folder.glob("*/*.py")):
            exec(compile(block.replace("RUN", last_run(folder)), page, "exec"), names)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_and_heading_that_is_linked_is_there():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
            if link.startswith("http"):
                continue
            path, _, anchor = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), (page, link)
            assert not anchor or anchor in anchors(target), (page, link)


def test_every_page_is_reached_from_the_index():
    linked = re.findall(r"\]\(([^)#\s]+)", (ROOT / "docs/index.md").read_text())
    reached = {(ROOT / "docs" / link).resolve() for link in linked} | {ROOT / "docs/index.md"}
    assert not {ROOT / page for page in PAGES if page != "README.md"} - reached
