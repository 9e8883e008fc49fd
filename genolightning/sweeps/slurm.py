"""Sweeps as cluster jobs, through submitit: each job is the same sweep command, and they share the trials."""

import subprocess
import sys
from collections.abc import Sequence
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


def job_command(arguments: Sequence[str]) -> list[str]:
    """The command of one job, from the arguments of the whole sweep."""
    kept = [one for one in arguments if one.split("=")[0] not in HERE_ONLY and not one.startswith("launcher.")]
    return [sys.executable, "-m", "genolightning", "sweep", *kept, "workers=1", "launcher=null"]


def submit_jobs(space: Space, arguments: Sequence[str]) -> None:
    """Submit `workers` jobs; or print what would be submitted."""
    require("submitit")
    import submitit

    folder, count = space.folder / "jobs", space.settings["workers"]
    parameters = {key: value for key, value in space.launcher.items() if value is not None}
    if space.settings["dry_run"]:
        with constructor_errors("launcher"):
            lines = batch_script(space, parameters)
        say(*lines, "", f"{count} such jobs, each of which runs:", " ".join(job_command(arguments)))
        return
    with constructor_errors("launcher"):
        executor = submitit.AutoExecutor(folder=folder, cluster=space.settings["launcher"])
        executor.update_parameters(name=f"sweep-{space.name}", **parameters)
    jobs = [executor.submit(Job(job_command(arguments))) for _ in range(count)]
    say(*(f"submitted {job.job_id}: {job.paths.stdout}" for job in jobs))
    say(f"see them with: genolightning watch logs={space.folder}")


def batch_script(space: Space, parameters: dict[str, Any]) -> list[str]:
    """The batch script as Slurm would get it; a local job has none."""
    if space.settings["launcher"] != "slurm":
        return [f"jobs on this machine, what they print in {space.folder / 'jobs'}"]
    from submitit.slurm import slurm

    names = {"timeout_min": "time", "slurm_signal_delay_s": "signal_delay_s", "tasks_per_node": "ntasks_per_node"}
    options: dict[str, Any] = {names.get(key, key.removeprefix("slurm_")): value for key, value in parameters.items()}
    if "mem_gb" in options:
        options["mem"] = f"{options.pop('mem_gb')}GB"
    folder = space.folder / "jobs"
    start = f"{sys.executable} -u -m submitit.core._submit {folder}"
    text: str = slurm._make_sbatch_string(command=start, folder=folder, job_name=f"sweep-{space.name}", **options)
    return text.rstrip().splitlines()
