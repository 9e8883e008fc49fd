"""docs/models.md, as `genolightning models --output` writes it."""

import shlex
from argparse import Namespace
from datetime import date
from typing import Any

from genolightning import __version__
from genolightning.commands.models import MEASURES, machine, wide

OPENING = """\
# Models

Written by `{command}`, not by hand. For other machines and models:

```bash
genolightning models --model 'conv*' --length-bp 500 --time --lengths 64,256
genolightning models --model 'hyena*' --output my_models.md
```

Parameters and FLOPs are those of a model for one label a sequence ({kind}), rows of {length:,} bp. Of backbones that
language models have too (`hyena`, `hyenadna_*`, `transformer`), parameters are the backbone's: a tied head adds none.
`cnn`, `basset` and `deepsea` have a fixed input: they grow with the longest row. FLOPs are of the forward pass, a base:
a multiply-add is two, and both strands count where a model reads both. Matrix products, convolutions, attention and
Fourier transforms (5 n log2 n) are counted; what is done number by number is not.
"""
SPEED = """\
Examples a second: training on `gue_tf_0` (101 bp, batches of 64) on one thread, in a bare loop (`speed/zoo.py`).
"""
TIMES = """\
## Time and memory

{when}, {machine}, genolightning {version}: batches of {batch} rows of random bases, float32, the least of
some passes: wall time, on one thread of a CPU its CPU time. Forward is without gradients. Memory is what a forward and
backward pass takes at most beyond the weights (activations, gradients, buffers), no optimiser: of a CPU the growth of
the process's resident set, of a GPU what torch's allocator handed out. `max` is the longest row a model takes,
`over {most:g} s` should take longer than that, judged by shorter rows, and was left out.
"""


def page(rows: list[dict[str, Any]], args: Namespace, given: list[str]) -> str:
    """The whole page, in Markdown; `given` is what was typed after `genolightning models`."""
    parts = [
        OPENING.format(command=shlex.join(["genolightning", "models", *given]), kind=args.kind, length=args.length_bp)
    ]
    if args.speed:
        parts.append(SPEED)
    hidden = ("kind", "length_bp", "timings")
    parts.append(markdown([{key: value for key, value in row.items() if key not in hidden} for row in rows]))
    if args.time:
        told = {"when": date.today().isoformat(), "machine": machine(), "version": __version__}
        parts.append(TIMES.format(**told, batch=args.batch, most=args.most_s))
        parts += [f"### {title}\n\n{markdown(wide(rows, measure))}" for measure, title in MEASURES.items()]
    return "\n".join(parts)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows of one shape as a table; all but the first and the last column, or all but the first, stand to the right.

    >>> print(markdown([{"model": "cnn", "parameters": 67089, "about": "small"}]))
    | model | parameters | about |
    |---|---:|---|
    | `cnn` | 67,089 | small |
    <BLANKLINE>
    """
    names = list(rows[0])
    rules = ["---" if name in ("model", "about") else "---:" for name in names]
    lines = [
        f"| {' | '.join(name.replace('_', ' ').replace('flops', 'FLOPs') for name in names)} |",
        f"|{'|'.join(rules)}|",
    ]
    for row in rows:
        cells = [f"`{row['model']}`", *(_cell(row[name]) for name in names[1:])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
