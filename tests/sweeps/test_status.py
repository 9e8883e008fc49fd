"""The state of a run is read from its folder, also when its process was killed a moment ago."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from genolightning.sweeps.status import read_json, run_state, status_table


def status(pid: int, **more: object) -> str:
    return json.dumps({"epoch": 0, "epochs": 2, "host": socket.gethostname(), "pid": pid, "time": time.time()} | more)


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_process_that_was_killed_and_not_yet_waited_for_is_not_running(tmp_path):
    process = subprocess.Popen(["sleep", "60"])
    (tmp_path / "status.json").write_text(status(process.pid))
    assert run_state(tmp_path, "x").state == "running"
    process.kill()
    while run_state(tmp_path, "x").state == "running":
        time.sleep(0.01)
    assert run_state(tmp_path, "x").about == f"killed? genolightning train resume={tmp_path}"
    process.wait()
    assert run_state(tmp_path, "x").state == "stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_run_without_a_step_whose_lock_nobody_holds_may_have_been_killed(tmp_path):
    with FileLock(tmp_path / ".lock"):
        assert run_state(tmp_path, "x").about == ""
    (tmp_path / ".lock").touch()
    assert run_state(tmp_path, "x").about.startswith("killed?")


def test_a_run_of_another_machine_is_running_while_it_writes(tmp_path):
    for age_s, state in [(10, "running"), (7200, "stopped")]:
        (tmp_path / "status.json").write_text(status(os.getpid(), host="elsewhere", time=time.time() - age_s))
        assert run_state(tmp_path, "x").state == state


def test_half_written_files_read_as_nothing_and_states_are_counted(tmp_path):
    (tmp_path / "record.json").write_text("{half")
    assert read_json(tmp_path / "record.json") == read_json(tmp_path / "none") == {}
    assert status_table([run_state(tmp_path, "a"), run_state(tmp_path, "b")])[-1] == "2 waiting"
    assert status_table([]) == ["no runs there yet"]
