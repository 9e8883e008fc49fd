"""How often do the 95 % intervals of `evaluate` hold the truth? Binormal scores, whose AUROC is known.

Prints one JSON line: the share of intervals that cover, per AUROC and prevalence; exits 1 if one is outside 92-98 %.
"""

import argparse
import json
import sys
import time
from statistics import NormalDist

import numpy as np

from genolightning.statistics.evaluate import evaluate


def coverage(auroc: float, prevalence: float, *, sets: int = 300, rows: int = 500, seed: int = 0) -> float:
    """Share of `sets` simulated test sets whose interval for AUROC holds `auroc`."""
    draw = np.random.default_rng([seed, round(1000 * auroc), round(1000 * prevalence)])
    shift = 2**0.5 * NormalDist().inv_cdf(auroc)
    held = 0
    for number in range(sets):
        target = (draw.random(rows) < prevalence).astype(np.int64)
        p = 1 / (1 + np.exp(-draw.normal(size=rows) - shift * target))
        _, low, high, _ = evaluate("binary", target, p, seed=number)["auroc"]
        held += low <= auroc <= high
    return held / sets


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    shares = {
        f"auroc {auroc}, prevalence {prevalence}": coverage(auroc, prevalence, sets=options.sets, seed=options.seed)
        for auroc in (0.75, 0.9)
        for prevalence in (0.5, 0.2)
    }
    good = all(0.92 <= share <= 0.98 for share in shares.values())
    seconds = round(time.perf_counter() - start, 1)
    print(
        json.dumps({"coverage": shares, "wanted": [0.92, 0.98], "good": good, "sets": options.sets, "seconds": seconds})
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
