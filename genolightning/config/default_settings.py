"""The settings that the shipped configs make, so that a row of the leaderboard need only name what differs."""

from pathlib import Path
from typing import Any

from genolightning.analysis.run_table import settings
from genolightning.config import help as texts
from genolightning.config.renamed_targets import with_first_names
from genolightning.config.sweep_values import training_config
from genolightning.errors import UserError
from genolightning.runs.record import RunRecord


class DefaultSettings:
    """For a record, its groups' choices as overrides, and the settings that these make by themselves."""

    def __init__(self, config_dir: Path | None) -> None:
        self.config_dir = config_dir
        self.composed: dict[tuple[str, ...], dict[str, Any] | None] = {}

    def __call__(self, record: RunRecord) -> tuple[list[str], dict[str, Any]] | None:
        """Overrides such as `experiment=NAME`, and settings; None where the model is none of the shipped configs."""
        choices = record.config.get("choices") or {}
        first = [f"model={choices.get('model')}"]
        base, named = self._settings(*first), list[str]()
        if base is None:
            return None
        if choices.get("experiment"):
            first.append(f"dataset={choices.get('dataset')}")  # the experiment may have set keys of the dataset
            base = self._settings(*first) or base
        for group in ("experiment", "trainer"):
            override = f"{group}={choices.get(group)}"
            more = self._settings(*first, *named, override) if choices.get(group) else None
            if more is not None and more != base:
                base, named = more, [*named, override]
        if not choices.get("experiment"):  # read, not composed: a tenth of a second for each dataset would add up
            base = {key: value for key, value in base.items() if not key.startswith("dataset.")}
            base |= self._of_dataset(str(choices.get("dataset")))
        return named, base

    def _settings(self, *overrides: str) -> dict[str, Any] | None:
        if overrides not in self.composed:
            try:
                self.composed[overrides] = settings(training_config(overrides, self.config_dir))
            except UserError:  # a model or dataset of somebody else's, or one that needs a file
                self.composed[overrides] = None
        return self.composed[overrides]

    def _of_dataset(self, name: str) -> dict[str, Any]:
        from genolightning.benchmarks.card import composed

        file = texts.choices("dataset", self.config_dir).get(name)
        return settings({"dataset": with_first_names(composed(file))}) if file else {}
