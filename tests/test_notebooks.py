"""The notebooks run from top to bottom, and their copies as plain scripts have the same cells."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells_of(script: Path) -> list[tuple[str, str]]:
    """(type, source) of each cell of a script whose cells start with `# %%`; text cells are comments."""
    cells = []
    for part in re.split(r"^# %%", script.read_text(), flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            cells.append(("markdown", re.sub(r"^# ?", "", body.strip(), flags=re.M)))
        else:
            cells.append(("code", body.strip()))
    return cells


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, also for logs; matplotlib and other plotting libraries are not needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENOLIGHTNING_LOGS", str(tmp_path / "logs"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return tmp_path


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_and_its_script_have_the_same_cells(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == cells_of(notebook.with_suffix(".py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # jupyter_client 8.10 on Python 3.11
def test_a_notebook_runs_and_shows_scores_a_curve_and_a_comparison(notebook, folder):
    document = nbformat.read(notebook, as_version=4)
    NotebookClient(
        document, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in document.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    assert {"text/html", "image/svg+xml"} <= shown
    assert re.search(r"95 % interval -?0\.\d+ to -?0\.\d+", "".join(output.get("text", "") for output in outputs))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_script_of_a_notebook_runs_in_a_plain_process(notebook, folder):
    script = [sys.executable, str(notebook.with_suffix(".py"))]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(folder.glob("logs/train/**/record.json"))) == 2
    assert (folder / "learning_curve.svg").read_text().startswith("<svg")
