# %% [markdown]
# # A first model
#
# From a csv to a trained model, its scores, its learning curve, predictions, and a comparison of two models. It
# takes less than a minute on one CPU core. You need no shell command; to use your own table, change the paths
# in the second cell.

# %%
import random
from pathlib import Path

import polars as pl

import genolightning

# %% [markdown]
# ## The table
#
# One sequence in each row and a label. Here it is synthetic: random sequences of 80 bp, and the class `tata`
# contains the motif TATAAA. Classes are sorted by name, and the last one, `tata`, is the positive class.

# %%
random.seed(1)
rows = []
for number in range(600):
    bases = random.choices("ACGT", k=80)
    if number % 2:
        start = random.randrange(70)
        bases[start : start + 6] = "TATAAA"
    rows.append({"sequence": "".join(bases), "label": "tata" if number % 2 else "background"})
table = pl.DataFrame(rows)
table.write_csv("mine.csv")
table.head(3)

# %% [markdown]
# ## Train
#
# `train` takes the same settings as the command line. A random 20 % of the rows is the test split and 10 % of
# the others the validation split; `dataset.seed` fixes this choice, so that all models are tested on the same
# sequences. The result is a run: a folder with scores, predictions and weights.

# %%
dataset = {"dataset.train": "mine.csv", "dataset.name": "mine", "dataset.seed": 1}
quiet = {"trainer.enable_progress_bar": False}
small = {"model.backbone.dim": 16, "trainer.max_epochs": 15}
convnet = genolightning.train("table", dataset, quiet, small, model="convnet", trainer="cpu", seed=1)
convnet

# %% [markdown]
# Every score has a 95 % interval: how much it may differ on another test set of this size. Chance is 0.5 for
# `auroc` and for `accuracy` (the classes are equally large), 0 for `mcc`, and the prevalence for `auprc`.

# %%
scores = pl.DataFrame(
    [
        {"score": name, "value": score.value, "low": score.low, "high": score.high}
        for name, score in convnet.metrics.items()
    ]
)
scores

# %% [markdown]
# ## The learning curve
#
# `metrics.csv` in the run folder has one row for each logged step. This cell draws it without a plotting
# library; with matplotlib it is `plt.plot(curve["epoch"], curve["val/loss"])`.

# %%
curve = pl.read_csv(convnet.folder / "metrics.csv").select("epoch", "train/loss", "val/loss").drop_nulls()


class Picture(str):
    """SVG text that a notebook shows as a picture."""

    def _repr_svg_(self) -> str:
        return str(self)


def draw(curve: pl.DataFrame, colours: dict[str, str], width: int = 480, height: int = 260) -> Picture:
    """Draw columns against the epoch as lines; the vertical axis starts at 0."""
    top, last = max(curve[name].max() for name in colours), max(curve["epoch"].max(), 1)

    def x(epoch: float) -> float:
        return 50 + (width - 150) * epoch / last

    def y(loss: float) -> float:
        return height - 40 - (height - 60) * loss / top

    parts = [f'<path d="M50 20V{y(0)}H{x(last)}" fill="none" stroke="#888"/>']
    parts.extend(
        f'<text x="44" y="{y(loss) + 4:.0f}" text-anchor="end">{loss:.2f}</text>' for loss in (0, top / 2, top)
    )
    parts.extend(
        f'<text x="{x(epoch):.0f}" y="{height - 22}" text-anchor="middle">{epoch + 1}</text>' for epoch in (0, last)
    )
    parts.append(f'<text x="{x(last / 2):.0f}" y="{height - 6}" text-anchor="middle">epoch</text>')
    for row, (name, colour) in enumerate(colours.items()):
        points = " ".join(
            f"{x(epoch):.1f},{y(loss):.1f}" for epoch, loss in zip(curve["epoch"], curve[name], strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - 90}" y="{30 + 18 * row}" fill="{colour}">{name}</text>')
    size = f'width="{width}" height="{height}" font-family="sans-serif" font-size="12"'
    return Picture(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>')


picture = draw(curve, {"train/loss": "#1f77b4", "val/loss": "#d62728"})
Path("learning_curve.svg").write_text(picture)
picture

# %% [markdown]
# ## Predict
#
# A list of sequences gives the probability of the positive class. A path to a FASTA, BED or table gives a data
# frame.

# %%
with_motif = "GC" * 20 + "TATAAA" + "GC" * 17
without_motif = "GC" * 40
probabilities = convnet.predict([with_motif, without_motif])
probabilities

# %% [markdown]
# The predictions for the test sequences are in the run folder. These are the worst errors; `id` is the row of
# the table.

# %%
predictions = convnet.predictions()
errors = (
    predictions.with_columns(error=(pl.col("target") - pl.col("p_tata")).abs())
    .sort("error", descending=True)
    .head(5)
    .with_columns(sequence=pl.col("id").cast(pl.Int64).map_elements(lambda row: table["sequence"][row], pl.String))
)
errors

# %% [markdown]
# ## Compare two models
#
# Train a second model on the same split. The difference of the two is computed on the same resampled test
# sequences. If its interval does not contain 0, the models differ.

# %%
cnn = genolightning.train("table", dataset, quiet, {"trainer.max_epochs": 15}, model="cnn", trainer="cpu", seed=1)
cnn

# %%
comparison = genolightning.compare(cnn.folder, convnet.folder)
auroc = comparison.row(by_predicate=pl.col("score") == "auroc", named=True)
print(f"auroc of cnn - convnet: {auroc['difference']:.3f}, 95 % interval {auroc['low']:.3f} to {auroc['high']:.3f}")
comparison
