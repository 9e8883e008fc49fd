"""Tables of what models cost: in a terminal, and docs/models.md as `genolightning models --output` writes it."""

import platform
import shlex
import textwrap
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from genolightning import __version__
from genolightning.console import columns, format_table

DESCRIPTION_WIDTH = 76  # characters of what a model is that fit next to its numbers
MEASURES = {
    "flops_per_base": "FLOPs per base",
    "forward_ms": "ms a batch, forward",
    "forward_backward_ms": "ms a batch, forward and backward",
    "memory_mb": "MB a batch beyond the weights, forward and backward",
}

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


def page(rows: list[dict[str, Any]], argv: Sequence[str], *, speed: bool = False, max_s: float = 30.0) -> str:
    """Write the page in Markdown; `argv` are the arguments of `genolightning models`, `max_s` those of --most-s."""
    command = shlex.join(["genolightning", "models", *argv])
    parts = [OPENING.format(command=command, kind=rows[0]["kind"], length=rows[0]["length_bp"])]
    if speed:
        parts.append(SPEED)
    hidden = ("kind", "length_bp", "timings")
    parts.append(markdown([{key: value for key, value in row.items() if key not in hidden} for row in rows]))
    if "timings" in rows[0]:
        batch = rows[0]["timings"][0]["batch"]
        made = {"when": date.today().isoformat(), "machine": machine(), "version": __version__}
        parts.append(TIMES.format(**made, batch=batch, most=max_s))
        parts += [f"### {title}\n\n{markdown(by_length(rows, measure))}" for measure, title in MEASURES.items()]
    return "\n".join(parts)


def terminal_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of models as lines that fit a terminal; timings, if there are any, as a table for each measure."""
    short = [
        {name: value for name, value in row.items() if name not in ("kind", "length_bp", "timings")}
        | {"about": textwrap.shorten(row["about"], DESCRIPTION_WIDTH, placeholder=" ...")}
        for row in rows
    ]
    lines = [f"one label a sequence ({rows[0]['kind']}), rows of {rows[0]['length_bp']:,} bp", "", *format_table(short)]
    if "timings" in rows[0]:
        lines += ["", f"batches of {rows[0]['timings'][0]['batch']} rows on {machine()}"]
        for measure, title in MEASURES.items():
            wide = by_length(rows, measure)
            cells = [list(wide[0]), *(list(row.values()) for row in wide)]
            lines += ["", title, *columns(cells, right=range(1, len(cells[0])))]
    return lines


def machine() -> str:
    """The processor or GPU at hand, threads and torch: what a timing depends on."""
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    return f"{[*names, platform.machine()][0]} CPU, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}"


def by_length(rows: list[dict[str, Any]], measure: str) -> list[dict[str, Any]]:
    """One measure as a table: a row a model, a column a length; a cell that was not measured gives the reason."""
    return [
        {"model": row["model"]} | {f"{timing['length_bp']:,} bp": _timing(timing, measure) for timing in row["timings"]}
        for row in rows
    ]


def _timing(timing: dict[str, Any], measure: str) -> str:
    value = timing[measure]
    if value is None:
        why = timing["why"] or ""
        return why if len(why) < 20 else "none"  # the first table gives the reason
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:.1f}"


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows of one shape as a table; all but the first and the last column, or all but the first, are right-aligned.

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
