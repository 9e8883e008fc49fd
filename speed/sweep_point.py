"""What a sweep point costs over the training inside it, against a bare process that only starts and imports.

    python speed/sweep_point.py [--points 5] [--rounds 3]

`point` is the wall time of `genolightning sweep seeds` with so many points less that of a sweep with none left to run,
a point; `inside` what the same `genolightning train` takes in a process that has imported everything already; `start` a
process that imports what `genolightning train` does, and ends. Overhead is point - inside; bar: 1.2 of start. Least of
the rounds, in turns. Prints one JSON line.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from upstream import ONE_THREAD, REPOSITORY

BAR = 1.2
START = "from genolightning.config import execute, objects"
INSIDE = f"""
import sys, time
from genolightning import cli
{START}
begun = time.monotonic()
sys.argv[0] = "genolightning"
cli.main()
sys.stderr.write(str(time.monotonic() - begun))
"""
TRAIN = ["dataset=motifs", "model=convnet", "trainer=debug"]


def seconds_of(command: list[str], env: dict[str, str], *, times: int = 1) -> float:
    """Wall seconds of a command, the mean of some runs."""
    start = time.monotonic()
    for _ in range(times):
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) / times


def sweep_point(home: Path, points: int) -> tuple[float, float]:
    """(wall seconds a point, seconds of training in it) of a fresh sweep of motifs."""
    sweep = [sys.executable, "-m", "genolightning", "sweep", "seeds", f"seed=range(1,{points + 1})", *TRAIN]
    env = os.environ | ONE_THREAD | {"PYTHONPATH": str(REPOSITORY), "GENOLIGHTNING_LOGS": str(home)}
    everything = seconds_of(sweep, env)
    nothing = seconds_of(sweep, env)  # every point is finished: only the sweep itself
    inside = 0.0
    for seed in range(1, points + 1):
        train = [sys.executable, "-c", INSIDE, "train", f"seed={seed}", *TRAIN]
        done = subprocess.run(train, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        inside += float(done.stderr.split()[-1])
    return (everything - nothing) / points, inside / points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    overhead = start = float("inf")
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["GENOLIGHTNING_CACHE"] = str(Path(temporary) / "cache")
        sweep_point(Path(temporary) / "warm", 1)
        for number in range(options.rounds):
            point, inside = sweep_point(Path(temporary) / str(number), options.points)
            overhead = min(overhead, point - inside)
            env = os.environ | ONE_THREAD | {"PYTHONPATH": str(REPOSITORY)}
            start = min(start, seconds_of([sys.executable, "-c", START], env, times=options.points))
    what = f"a point of sweep seeds over its training, load {load:.1f} before"
    told = {"overhead_s": round(overhead, 2), "start_and_imports_s": round(start, 2)}
    print(json.dumps({"what": what, **told, "ratio": round(overhead / start, 3), "bar": BAR}))


if __name__ == "__main__":
    main()
