"""Draws the pictures of docs/dashboards.md from what runs have logged; needs matplotlib, which nothing else here does.

    genolightning sweep seeds dataset=motifs model=convnet trainer=cpu logger=all seed=1,2,3 trainer.max_epochs=6 \
        trainer.log_every_n_steps=10
    pip install matplotlib && python docs/pictures/make.py logs/sweep/seeds/*/
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.helpers.offline_wandb import read  # noqa: E402

Points = dict[str, list[tuple[float, float]]]  # name of a score -> (step, value)


def of_csv(folder: Path) -> Points:
    """The scores in metrics.csv."""
    found: Points = defaultdict(list)
    with (folder / "metrics.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value:
                    found[name].append((float(row["step"]), float(value)))
    return found


def of_tensorboard(folder: Path) -> Points:
    """The scores in TensorBoard's event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {name: [(p.step, p.value) for p in events.Scalars(name)] for name in events.Tags()["scalars"]}


def of_wandb(folder: Path) -> tuple[Points, str, dict[str, float]]:
    """The scores in an offline Weights & Biases run, its group, and its last words."""
    told = read(folder)[-1]
    found: Points = defaultdict(list)
    for row in told.history:
        for name, value in row.items():
            found[name].append((row["_step"], value))
    return found, told.group, told.summary


def line(axes: plt.Axes, points: list[tuple[float, float]], **style: object) -> None:
    axes.plot(*zip(*points, strict=True), **style)


def save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(HERE / f"{name}.png", dpi=100)
    plt.close(figure)


def draw_csv(folders: list[Path]) -> None:
    """Two scores of one run, as a spreadsheet would show them."""
    points = of_csv(folders[0])
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8))
    line(left, points["train/loss_step"], color="0.8", label="train/loss_step")
    for name in ("train/loss", "val/loss"):
        line(left, points[name], marker="o", markersize=3, label=name)
    for name in ("val/accuracy", "val/auroc"):
        line(right, points[name], marker="o", markersize=3, label=name)
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.legend(frameon=False, fontsize=8)
    save(figure, "csv")


def draw_tensorboard(folders: list[Path]) -> None:
    """A card a score, a line a run."""
    names = ["train/loss_step", "val/loss", "val/auroc", "lr"]
    figure, cards = plt.subplots(1, 4, figsize=(10, 2.6))
    for axes, name in zip(cards, names, strict=True):
        for folder in folders:
            line(axes, of_tensorboard(folder)[name], label=folder.name.rsplit("-", 1)[0])
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
    cards[0].legend(frameon=False, fontsize=7)
    save(figure, "tensorboard")


def draw_wandb(folders: list[Path]) -> None:
    """A group: its members thin, their mean thick; and the test scores of each."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), width_ratios=(3, 2))
    told = [of_wandb(folder) for folder in folders]
    for points, _, _ in told:
        line(left, points["val/auroc"], color="C0", alpha=0.4, linewidth=1)
    columns = zip(*(points["val/auroc"] for points, _, _ in told), strict=True)
    mean = [(at[0][0], sum(value for _, value in at) / len(at)) for at in columns]
    line(left, mean, color="C0", linewidth=2.5, label=f"group {told[0][1]}")
    left.set_xlabel("step")
    left.set_title("val/auroc", fontsize=9)
    left.legend(frameon=False, fontsize=8)
    names = ["test/accuracy", "test/auroc", "test/mcc"]
    cells = [[f"{summary[name]:.4f}" for name in names] for _, _, summary in told]
    right.axis("off")
    right.table(cells, colLabels=names, rowLabels=[f.name.split("-")[0] for f in folders], loc="center").scale(1, 1.5)
    save(figure, "wandb")


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]]
    for draw in (draw_csv, draw_tensorboard, draw_wandb):
        draw(folders)


if __name__ == "__main__":
    main()
