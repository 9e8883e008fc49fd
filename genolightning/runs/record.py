"""The record of a finished run, record.json: its settings, test scores and where it was made.

`RunRecord` is the only reader and writer of that file. This module imports neither torch nor numpy, so that listing a
thousand runs stays quick.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Self

from genolightning.errors import UserError
from genolightning.statistics.estimate import Estimate
from genolightning.storage.atomic import atomic_write

SCHEMA = 1
REQUIRED: dict[str, type] = dict.fromkeys(("dataset", "split", "model"), str) | {"seed": int}
REQUIRED |= dict.fromkeys(("metrics", "facts", "config", "data_sha256"), dict)
NOT_IN_FILE = ("extra", "folder")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """The settings, scores and origin of a finished run. Fields are in the order of the file's keys.

    Fields that older versions did not write are None. Keys that this version does not know are kept in `extra` and
    written back.
    """

    schema: int = SCHEMA
    verb: str = "train"  # the command that made it: train or test
    dataset: str
    split: str  # id of the test split
    splits: Mapping[str, str] | None = None  # id of every split
    protocol: str | None = None  # which epoch was tested
    verdict: Mapping[str, Any] | None = None  # of the audit of the split: verdict, reasons
    model: str
    seed: int
    score: float | None = None  # the headline score, one of `metrics`
    score_name: str | None = None
    higher_is_better: bool | None = None
    metrics: Mapping[str, Estimate]
    threshold: float | None = None  # chosen on validation, for mcc_tuned
    facts: Mapping[str, Any]
    dropped: Mapping[str, Any] | None = None  # rows that cleaning removed
    config: Mapping[str, Any]
    data_sha256: Mapping[str, Mapping[str, str]]  # split -> file -> checksum
    parameters: int | None = None
    init_from: Mapping[str, Any] | None = None  # the run whose weights it began with
    versions: Mapping[str, str] | None = None
    git: Mapping[str, Any] | None = None
    device: str | None = None
    peak_memory_mb: float | None = None
    trust: Any = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    warnings: list[str] = field(default_factory=list)
    extra: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)  # where it was read; not part of the file

    @classmethod
    def from_json(cls, values: Any, folder: Path | None = None) -> Self:
        """Build a record from the parsed JSON of `folder`/record.json.

        Raises UserError, naming the file, for anything that is not a record of this schema.
        """
        path = (folder or Path()) / "record.json"
        if not isinstance(values, dict) or "schema" not in values:
            raise UserError(f"{path}: not a record of GenoLightning")
        if values["schema"] != SCHEMA:
            raise UserError(f"{path}: a record of schema {values['schema']}, this version reads {SCHEMA}")
        for key, kind in REQUIRED.items():
            if not isinstance(values.get(key), kind):
                raise UserError(f"{path}: {key} is {json.dumps(values.get(key))[:40]}, not a record of a run")
        names = {one.name for one in fields(cls)} - set(NOT_IN_FILE)
        own = {key: value for key, value in values.items() if key in names}
        own["metrics"] = {name: Estimate.from_json(one) for name, one in values["metrics"].items()}
        own["warnings"] = own.get("warnings") or []
        return cls(**own, extra={key: value for key, value in values.items() if key not in names}, folder=folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of a run folder; UserError, naming the file, where there is none or it is damaged."""
        path = folder / "record.json"
        try:
            values = json.loads(path.read_text())
        except OSError:
            raise UserError(f"{folder}: no record.json there; name the folder of a finished run") from None
        except ValueError as error:
            raise UserError(f"{path}: not a record ({error})") from None
        return cls.from_json(values, folder)

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values; numbers that are not finite become None."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in NOT_IN_FILE}
        plain: dict[str, Any] = _as_json(values | dict(self.extra))
        return plain

    def write(self, folder: Path) -> None:
        """Write record.json into a folder; an existing one is replaced in one step."""
        with atomic_write(folder / "record.json") as draft:
            draft.write_text(json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n")


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_json(part) for key, part in value.items()}
    if hasattr(value, "_asdict"):
        return _as_json(value._asdict())
    if is_dataclass(value):
        return {one.name: _as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (list, tuple)):
        return [_as_json(part) for part in value]
    if hasattr(value, "item"):  # a number of numpy's
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
