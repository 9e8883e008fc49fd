"""`genolightning watch`."""

import json
import os
import socket
import time

from tests.helpers.tiny import run


def test_watch_tells_running_finished_failed_and_stopped_runs_from_their_folders(tmp_path, capsys):
    status = {"epoch": 1, "epochs": 3, "score_name": "val/auroc", "score": 0.5, "seconds_left": 75, "device": "cpu"}
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
    empty: dict[str, dict] = {"metrics": {}, "facts": {}, "config": {}, "data_sha256": {}}
    record = {"schema": 1, "dataset": "toy", "split": "original", "model": "cnn", "seed": 1, "score": 0.75} | empty
    record["score_name"] = "auroc"
    kinds = {
        "a": {"status.json": json.dumps(status | mine)},
        "b": {"status.json": json.dumps(status | mine), "record.json": json.dumps(record)},
        "c": {"error.txt": "no such file\n"},
        "d": {"status.json": json.dumps(status | mine | {"pid": 2**22 + 1})},
        "e": {"status.json": "{half"},
    }
    for name, files in kinds.items():
        for file, text in {".hydra/config.yaml": "", **files}.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(text)
    assert run("watch", f"logs={tmp_path}", "--json") == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name: row["state"] for name, row in found.items()} == {
        "a": "running", "b": "finished", "c": "failed", "d": "stopped", "e": "waiting"
    }  # fmt: skip
    assert (found["a"]["epoch"], found["a"]["left"], found["b"]["score"]) == ("2/3", "1 min 15 s", "test auroc 0.7500")
    assert found["d"]["about"] == f"killed? genolightning train resume={tmp_path / 'd'}"
