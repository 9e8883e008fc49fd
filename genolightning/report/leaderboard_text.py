"""The leaderboard for a terminal, a spreadsheet and a program."""

import csv
import io
import json
from collections.abc import Sequence

from genolightning.analysis.leaderboard import MEAN, Board, Row, Section
from genolightning.analysis.run_table import CHOSEN, spans
from genolightning.console import columns
from genolightning.report.audit_tables import coloured

FIELDS = ["dataset", "split", "verdict", "model", "detail", "protocol", "metric", "higher_is_better", "value", "sd"]
FIELDS += ["seeds", "runs", "low", "high", "unit", "interval", "origin", "source", "note", "folders"]
HEAD = ["#", "model", "value", "sd", "95 % interval", "n", "seeds", "verdict", "protocol", "source"]
MODEL_WIDTH, SOURCE_WIDTH = 44, 20


def leaderboard_json(board: Board) -> str:
    """The rows as one JSON list of objects with the keys of FIELDS."""
    return json.dumps([{key: getattr(row, key) for key in FIELDS} for row in board.rows])


def leaderboard_csv(board: Board) -> list[str]:
    """The rows as lines of a csv with the columns of FIELDS; the items of a list are separated by spaces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in board.rows:
        cells = [getattr(row, key) for key in FIELDS]
        writer.writerow(" ".join(map(str, cell)) if isinstance(cell, list | tuple) else cell for cell in cells)
    return out.getvalue().splitlines()


def leaderboard_lines(board: Board, *, colour: bool) -> list[str]:
    """The board for a terminal: a title for each dataset, score and split, its rows below, best first."""
    cells = [HEAD, *(_cells(rank, row) for section in board.sections for rank, row in section.rows)]
    head, *rest = columns(cells, right=[0, 2, 3, 4, 5])
    at = head.index("verdict")
    shown, lines = [head], iter(rest)
    for section in board.sections:
        shown += ["", _title(section)]
        for _, row in section.rows:
            line, verdict = next(lines), row.verdict or ""
            if colour and verdict:
                line = line[:at] + coloured(verdict) + line[at + len(verdict) :]
            shown.append(line)
    pairs = ["", "95 % intervals of differences, the same test rows drawn again for both:", *board.paired]
    return [*shown, "", *_legend(board.rows), *(pairs if board.paired else [])]


def _title(section: Section) -> str:
    better = "" if section.higher_is_better else " (less is better)"
    return f"{section.dataset}, {section.metric}{better}, split {section.split}"


def _cells(rank: int | None, row: Row) -> list[str]:
    name = f"{row.model} ({row.detail})" if row.detail else row.model
    between = "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
    return [
        "" if rank is None else str(rank),
        clipped(name, MODEL_WIDTH),
        "none" if row.value is None else f"{row.value:.3f}",
        "" if row.sd is None else f"{row.sd:.3f}",
        f"~{between}" if row.interval == MEAN else between,
        "" if row.runs is None or row.origin == "baseline" else str(row.runs),
        clipped(spans(row.seeds), 8),
        row.verdict or "",
        row.protocol.removeprefix(CHOSEN),
        clipped(row.source.split(",")[0], SOURCE_WIDTH),
    ]


def clipped(text: str, width: int) -> str:
    """Text cut to a width, with an ellipsis where something was cut.

    >>> clipped("optimizer.lr=0.001", 12)
    'optimizer.l…'
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def _legend(rows: Sequence[Row]) -> list[str]:
    lines = [
        "protocol: what chose the tested epoch; a rank counts among rows of one protocol, `unknown` has none",
        "interval: 95 %, test rows drawn again (of several seeds: around their mean); sd: over the n seeds",
    ]
    if any(row.interval == MEAN for row in rows):
        lines.append("~: the mean of the seeds' own intervals, for their predictions could not be pooled")
    return lines
