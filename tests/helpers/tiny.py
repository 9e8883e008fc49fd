"""Tiny tables and runs that the command tests share."""

import sys
from pathlib import Path

import numpy as np

from genolightning import cli

BASES = np.array(list("ACGT"))


def sequences(rows: int, length: int = 60, seed: int = 0) -> list[str]:
    return ["".join(row) for row in BASES[np.random.default_rng(seed).integers(0, 4, (rows, length))]]


def write_table(path: Path, rows: int = 80, *, length: int = 60, seed: int = 0, header: str = "sequence,label") -> Path:
    """Two classes that a model can tell apart: class 1 is rich in A."""
    lines = [header]
    for number, sequence in enumerate(sequences(rows, length, seed)):
        label = number % 2
        lines.append(f"{sequence.replace('C', 'A') if label else sequence},{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*words: object) -> int:
    """What `genolightning WORDS` returns, in this process."""
    before = sys.argv
    sys.argv = ["genolightning", *map(str, words)]
    try:
        return cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before


def train(folder: Path, *words: object, model: str = "convnet") -> int:
    """A short run in a folder of its own."""
    small = ["model.backbone.dim=8", "model.backbone.blocks=1"] if model == "convnet" else []
    return run(
        "train", f"model={model}", "trainer=cpu", "trainer.max_epochs=2", *small, f"hydra.run.dir={folder}", *words
    )
