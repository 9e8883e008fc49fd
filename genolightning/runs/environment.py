"""Where a run was made: package versions, git commit, device and peak memory."""

import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("genolightning", "torch", "lightning", "hydra-core", "numpy", "torchmetrics")


def describe_environment() -> dict[str, Any]:
    """Describe the machine and the software of this process: the record's `versions`, `git`, `device` and
    `peak_memory_mb` (MiB; of the GPU's allocator where there is a GPU, else of this process).
    """
    import torch

    cuda = torch.cuda.is_available()
    versions = {name: metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {
        "versions": versions,
        "git": git_commit(),
        "device": torch.cuda.get_device_name() if cuda else f"cpu, {torch.get_num_threads()} threads",
        "peak_memory_mb": round(torch.cuda.max_memory_allocated() / 2**20 if cuda else peak, 1),
    }


def git_commit() -> dict[str, Any] | None:
    """Read the commit of the checkout that this package is imported from, as {"commit": hash, "changed": bool}.

    None outside a checkout, or without git.
    """
    package = Path(__file__).resolve().parents[1]
    if not (package.parent / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(package), "describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    name = described.stdout.strip()
    return {"commit": name.removesuffix("-dirty"), "changed": name.endswith("-dirty")}
