"""A run in Python: its record and scores, its predictions, its trained model. Made by `train` and `load_run`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from numpy.typing import NDArray

from genolightning.config import execute, trust
from genolightning.config.mistakes import user_error
from genolightning.config.overrides import from_values
from genolightning.errors import UserError, front_end
from genolightning.runs.process_state import process_state_restored

if TYPE_CHECKING:
    import polars

    from genolightning.facts import Facts
    from genolightning.runs.load import TrainedModel
    from genolightning.runs.record import RunRecord

Overrides = str | Mapping[str, Any]


@contextmanager
def python_call() -> Iterator[None]:
    """Restore the process state afterwards, write error fixes for Python, and raise KeyboardInterrupt on Ctrl-C."""
    token = front_end.set("python")
    try:
        with process_state_restored():
            yield
    except SystemExit as stop:  # Lightning 2.6 turns Ctrl-C into sys.exit(1)
        if isinstance(stop.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from stop
        raise
    except Exception as error:
        mistake = user_error(error)
        if mistake is None or mistake is error:
            raise
        raise mistake from error
    finally:
        front_end.reset(token)


def as_overrides(overrides: Sequence[Overrides], settings: Mapping[str, Any]) -> list[str]:
    """Overrides as the command line takes them, from strings, dicts and keywords; None leaves a key out."""
    words: list[str] = []
    for item in overrides:
        words += [item] if isinstance(item, str) else from_values(item)
    return words + from_values({name: value for name, value in settings.items() if value is not None})


class Run:
    """A run folder: its record and scores, its predictions, and its trained model."""

    def __init__(
        self,
        folder: str | Path,
        *,
        checkpoint: Path | None = None,
        trust: str | None = None,
        device: str | torch.device = "cpu",
        given: execute.Given = execute.NOTHING,
    ) -> None:
        self.folder, self.checkpoint, self.trust = Path(folder).absolute(), checkpoint, trust
        self.device, self._given = torch.device(device), given

    @cached_property
    def record(self) -> "RunRecord":
        """What record.json holds; UserError where the run is not finished."""
        from genolightning.runs.record import RunRecord

        return RunRecord.read(self.folder)

    @property
    def metrics(self) -> dict[str, Any]:
        """The test scores by name, each with `value`, `low` and `high` (95 % interval) and `unit`."""
        return dict(self.record.metrics)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The config of the run as plain dicts, lists and values; UntrustedRun where it names a foreign class."""
        return trust.read(self.folder, trust=self.trust)

    def predictions(self) -> "polars.DataFrame":
        """Predictions for the test rows: index, id, target, and `p_<class>` for every class, or `prediction`."""
        import polars

        file = self.folder / "predictions.parquet"
        if not file.is_file():
            raise UserError(f"{self.folder}: no predictions.parquet there, the run is not finished; call resume()")
        return polars.read_parquet(file)

    @cached_property
    def trained(self) -> "TrainedModel":
        """The model with its best weights, the facts of its dataset and its task, in evaluation mode on `device`."""
        with python_call():
            loaded = execute.load(self.config, self.checkpoint or self.folder, model=self._given.model)
            loaded.model.to(self.device)
            return loaded

    @property
    def module(self) -> pl.LightningModule:
        """The LightningModule with the best weights, in evaluation mode on `device`."""
        return self.trained.model

    @property
    def model(self) -> pl.LightningModule:
        """The same as `module`."""
        return self.trained.model

    @property
    def facts(self) -> "Facts":
        """What the model knows of its dataset: kind, classes, lengths."""
        return self.trained.facts

    def predict(
        self,
        sequences: "Sequence[str] | str | Path",
        *,
        genome: str | Path | None = None,
        batch_size: int = 256,
        tile_bp: int | None = None,
        **settings: Any,
    ) -> "NDArray[Any] | polars.DataFrame":
        """Predict DNA strings, or the rows of a file: FASTA, BED with `genome`, or a table.

        A list of strings gives an array: the probability of the positive class (rows,) for two classes, else
        (rows, classes), (rows, labels) or values (rows,). A path gives a table with a column for every class, the
        predicted class, and the coordinates of a BED's rows; `tile_bp` cuts longer records into tiles. `settings` are
        overrides such as `dataset__too_long="crop"`, for files.
        """
        if not isinstance(sequences, (str, Path)):
            return self.trained.predict(list(sequences), batch_size=batch_size)
        if isinstance(sequences, str) and len(sequences) > 3 and set(sequences.upper()) <= set("ACGTUN"):
            raise UserError(f'predict: wanted a list of sequences or a path, e.g. predict(["{sequences[:12]}"])')
        import polars

        trained = self.trained
        with python_call():
            values = {"dataset.batch_size": batch_size, "genome": genome, "tile_bp": tile_bp, **settings}
            overrides = [f"run={self.folder}", "input=unused", "output=unused", "trainer.enable_progress_bar=false"]
            overrides += [] if self.trust is None else [f"trust={self.trust}"]
            overrides += [f"trainer={'cpu' if self.device.type == 'cpu' else 'gpu'}", *from_values(values)]
            config = execute.compose_of_run("predict", overrides)[0].config
            with TemporaryDirectory() as parts:
                tables = list(execute.predict_tables(trained, sequences, Path(parts) / "rows", config=config))
            trained.model.to(self.device)
        return polars.concat(tables)

    def test(self, *overrides: Overrides, **settings: Any) -> "Run":
        """Score the best checkpoint again, in a new folder: `test("dataset.test=other.csv")`; returns that run."""
        words = [f"run={self.checkpoint or self.folder}", *([] if self.trust is None else [f"trust={self.trust}"])]
        with python_call():
            folder, _ = execute.run_test([*words, *as_overrides(overrides, settings)], given=self._given)
        return Run(folder, trust=self.trust, given=self._given)

    def resume(self, *overrides: Overrides, **settings: Any) -> "Run":
        """Continue the run from its last checkpoint; a finished run is left as it is."""
        words = [f"resume={self.folder}", *([] if self.trust is None else [f"trust={self.trust}"])]
        with python_call():
            execute.run_training([*words, *as_overrides(overrides, settings)], given=self._given)
        return Run(self.folder, trust=self.trust, device=self.device, given=self._given)

    def __repr__(self) -> str:
        from genolightning.report.run_scores import score_lines

        try:
            record = self.record
        except UserError:
            return f"Run({str(self.folder)!r}), not finished"
        return "\n".join(
            [f"{record.dataset}, {record.model}, seed {record.seed}", *score_lines(record), str(self.folder)]
        )

    def _repr_html_(self) -> str:
        from html import escape

        from genolightning.report.run_scores import score_html

        try:
            record = self.record
        except UserError:
            return f"<pre>{escape(repr(self))}</pre>"
        title = f"{record.dataset}, {record.model}, seed {record.seed}"
        return f"<p><b>{escape(title)}</b></p>{score_html(record)}<p><code>{escape(str(self.folder))}</code></p>"
