"""record.json is read and written by one class, and nothing in it is lost."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from genolightning.errors import UserError
from genolightning.runs.record import RunRecord
from genolightning.statistics.estimate import Estimate

OLD = Path(__file__).parents[1] / "fixtures" / "runs_before_redesign" / "finished"


def test_a_record_is_written_back_byte_for_byte(tmp_path):
    RunRecord.read(OLD).write(tmp_path)
    assert (tmp_path / "record.json").read_bytes() == (OLD / "record.json").read_bytes()


def test_keys_of_a_later_version_are_kept(tmp_path):
    values = json.loads((OLD / "record.json").read_text()) | {"tiles": {"core_bp": 4096}}
    record = RunRecord.from_json(values)
    assert record.extra == {"tiles": {"core_bp": 4096}}
    record.write(tmp_path)
    assert json.loads((tmp_path / "record.json").read_text()) == values


def test_keys_that_an_older_version_did_not_write_are_none(tmp_path):
    values = json.loads((OLD / "record.json").read_text())
    record = RunRecord.from_json({key: value for key, value in values.items() if key not in ("protocol", "warnings")})
    assert (record.protocol, record.warnings) == (None, [])


def test_a_score_that_does_not_exist_is_null_on_disk_and_nan_in_python(tmp_path):
    none = Estimate(math.nan, math.nan, math.nan, "row")
    replace(RunRecord.read(OLD), metrics={"auroc": none}, score=math.nan).write(tmp_path)
    values = json.loads((tmp_path / "record.json").read_text())
    assert (values["score"], values["metrics"]["auroc"]["value"]) == (None, None)
    again = RunRecord.read(tmp_path)
    assert not again.metrics["auroc"].exists
    assert again.score is None


def test_a_record_knows_the_folder_it_was_read_from(tmp_path):
    record = RunRecord.read(OLD)
    record.write(tmp_path)
    assert (record.folder, RunRecord.read(tmp_path).folder) == (OLD, tmp_path)
    assert record == RunRecord.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no record.json there"),
        ('{"schema": 1, "da', r"record\.json: not a record \("),
        ("[1]", r"record\.json: not a record of GenoLightning"),
        ('{"schema": 99}', "a record of schema 99, this version reads 1"),
        ('{"schema": 1, "dataset": 3}', "dataset is 3, not a record of a run"),
    ],
)
def test_a_damaged_record_is_refused_in_one_line_that_names_its_folder(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "record.json").write_text(content)
    with pytest.raises(UserError, match=reason) as error:
        RunRecord.read(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
