"""Sweeps as cluster jobs, through submitit: each job is the same sweep command, and they share the points."""

import subprocess
import sys
from typing import Any

from genolightning.console import say
from genolightning.errors import constructor_errors
from genolightning.sweeps.search_space import Space
from genolightning.sweeps.workers import require

HERE_ONLY = ("launcher", "dry_run", "workers")


class Job:
    """What a job runs: `genolightning sweep ...` with one worker; put back into the queue when its time is over."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def __call__(self) -> int:
        return subprocess.run(self.command, check=False).returncode

    def checkpoint(self) -> Any:
        """What submitit queues again after a preemption or a timeout: the same command, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def command(given: list[str]) -> list[str]:
    """The words of a sweep as one of its jobs runs them."""
    words = [word for word in given if word.split("=")[0] not in HERE_ONLY and not word.startswith("launcher.")]
    return [sys.executable, "-m", "genolightning", "sweep", *words, "workers=1", "launcher=null"]


def launch(space: Space, given: list[str]) -> int:
    """Submit `workers` jobs; or print what would be submitted."""
    require("submitit")
    import submitit

    folder, count = space.folder / "jobs", space.settings["workers"]
    parameters = {key: value for key, value in space.launcher.items() if value is not None}
    if space.settings["dry_run"]:
        with constructor_errors("launcher"):
            lines = script(space, given, parameters)
        say(*lines, "", f"{count} such jobs, each of which runs:", " ".join(command(given)))
        return 0
    with constructor_errors("launcher"):
        executor = submitit.AutoExecutor(folder=folder, cluster=space.settings["launcher"])
        executor.update_parameters(name=f"sweep-{space.name}", **parameters)
    jobs = [executor.submit(Job(command(given))) for _ in range(count)]
    say(*(f"submitted {job.job_id}: {job.paths.stdout}" for job in jobs))
    say(f"see them with: genolightning watch logs={space.folder}")
    return 0


def script(space: Space, given: list[str], parameters: dict[str, Any]) -> list[str]:
    """The batch script as Slurm would get it; a local job has none."""
    if space.settings["launcher"] != "slurm":
        return [f"jobs on this machine, their words in {space.folder / 'jobs'}"]
    from submitit.slurm import slurm

    names = {"timeout_min": "time", "slurm_signal_delay_s": "signal_delay_s", "tasks_per_node": "ntasks_per_node"}
    asked: dict[str, Any] = {names.get(key, key.removeprefix("slurm_")): value for key, value in parameters.items()}
    if "mem_gb" in asked:
        asked["mem"] = f"{asked.pop('mem_gb')}GB"
    folder = space.folder / "jobs"
    start = f"{sys.executable} -u -m submitit.core._submit {folder}"
    text: str = slurm._make_sbatch_string(command=start, folder=folder, job_name=f"sweep-{space.name}", **asked)
    return text.rstrip().splitlines()
