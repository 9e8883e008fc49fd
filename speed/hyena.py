"""Training steps of HyenaDNA: our network beside the public one, and beside attention, on one thread of a CPU.

    OMP_NUM_THREADS=1 python speed/hyena.py --reference standalone_hyenadna.py [--lengths 256 1024] [--growth]

Forward and backward of the whole network: width 128, 2 layers, batch 4, float32, tied language-model head of 16
symbols with its cross-entropy, causal, the same weights on both sides. The reference is a file of
github.com/HazyResearch/hyena-dna, fetched by you. The third side is `models/transformer.py` (4 heads, SDPA, the same
width, layers and head). Sides alternate within a run; CPU time, which on one thread is the wall time of a quiet
machine: the least of all passes, which the bars are held against, and the median, which is what a user waits for (the
reference touches fresh memory in most of its passes, not in its best). `--growth`: also our time a base at batch 1,
65,536 beside 4,096 bases. The allocator is the system's, untuned. Prints one JSON line.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from hyena_reference import load, network, ours
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from genolightning.batch import Batch
from genolightning.models.transformer import Transformer

BATCH, DIM, DEPTH = 4, 128, 2
BARS = {256: 0.85, 1_024: 0.75, 4_096: 0.68, 16_384: 0.55}
PASSES = {256: 200, 1_024: 30, 4_096: 7, 16_384: 3}


def step(module: nn.Module, values: Callable[[], Tensor], embedding: nn.Embedding, ids: Tensor) -> None:
    """One forward and backward of the next base's cross-entropy."""
    module.zero_grad()
    logits = F.linear(values(), embedding.weight)
    F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()


def sides(reference: Path, length: int, batch: int = BATCH, *, attention: bool = True) -> dict[str, Callable[[], None]]:
    """Name -> one training step; reference and ours start from the same weights."""
    torch.manual_seed(0)
    theirs = network(load(reference), dim=DIM, depth=DEPTH, l_max=length + 2)
    mine = ours(theirs, dim=DIM, depth=DEPTH, l_max=length + 2)
    codes = torch.randint(0, 4, (batch, length))
    ids, every = codes + 7, torch.ones(batch, length, dtype=torch.bool)
    rows = Batch(codes.to(torch.uint8), torch.full((batch,), length), codes, torch.arange(batch))
    made = {
        "reference": lambda: step(theirs, lambda: theirs(ids), theirs.embeddings.word_embeddings, ids),
        "ours": lambda: step(mine, lambda: mine.read(ids, every), mine.embedding, ids),
    }
    if attention:
        rival = Transformer(dim=DIM, depth=DEPTH, heads=4, causal=True, dropout=0.0)
        made["attention"] = lambda: step(rival, lambda: rival(rows).values, rival.embedding, codes)
    return made


def timed(made: dict[str, Callable[[], None]], passes: int) -> dict[str, list[float]]:
    """Seconds of CPU time of some passes of a step; sides take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for number in range(passes + 1):
        for name, run in made.items():
            start = time.process_time()
            run()
            if number:  # the first turn warms up
                seconds[name].append(time.process_time() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True, metavar="standalone_hyenadna.py")
    parser.add_argument("--lengths", type=int, nargs="*", default=list(BARS))
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--no-attention", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, object] = {}
    for length in options.lengths:
        seconds = timed(sides(options.reference, length, attention=not options.no_attention), PASSES.get(length, 5))
        least, usual = ({name: way(each) for name, each in seconds.items()} for way in (min, median))
        figures[str(length)] = {
            **{f"{name}_ms": round(1e3 * value, 1) for name, value in least.items()},
            **{f"of_{name}": round(least["ours"] / least[name], 3) for name in least if name != "ours"},
            **{f"median_of_{name}": round(usual["ours"] / usual[name], 3) for name in usual if name != "ours"},
            "bar_of_reference": BARS.get(length),
        }
    if options.growth:
        short, long = (
            min(timed({"ours": sides(options.reference, n, 1, attention=False)["ours"]}, 2)["ours"]) / n
            for n in (4_096, 65_536)
        )
        figures["growth_65536_over_4096"] = {"time_a_base": round(long / short, 2), "bar": 1.5}
    print(json.dumps({"what": "HyenaDNA training step, 1 thread, CPU time", **figures}))


if __name__ == "__main__":
    main()
