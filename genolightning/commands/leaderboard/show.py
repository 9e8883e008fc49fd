"""`genolightning leaderboard`: own runs, their seeds pooled, beside baselines and what others have published."""

import csv
import io
import json
import shlex
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genolightning.config import help as words
from genolightning.console import columns, say
from genolightning.errors import UserError
from genolightning.paths import logs_dir

if TYPE_CHECKING:
    from genolightning.analysis.leaderboard import Group, Row
    from genolightning.runs.record import RunRecord

FORMATS = ("table", "csv", "md", "json")
FIELDS = ["dataset", "split", "verdict", "model", "detail", "protocol", "metric", "higher_is_better", "value", "sd"]
FIELDS += ["seeds", "runs", "low", "high", "unit", "interval", "origin", "source", "note", "folders"]
HEAD = ["#", "model", "value", "sd", "95 % interval", "seeds", "verdict", "protocol", "source"]
MODEL_WIDTH, SOURCE_WIDTH = 44, 20


class Board(NamedTuple):
    """What is shown, in whatever form."""

    rows: "list[Row]"
    paired: list[str]  # lines
    notes: list[str]
    records: "list[RunRecord]"  # the runs that count


def main(given: list[str]) -> int:
    parser = words.options(
        "leaderboard",
        "show runs with their seeds pooled (mean, sd, 95 % interval) beside published scores; scores of different\n"
        "splits, scores or protocols are never ranked together",
        [
            "",
            "--dataset 'gue_*' --score mcc --baselines",
            "--dataset 'gue_*' --baselines --format md --output docs/results_gue.md",
            "--json",
        ],
    )
    parser.add_argument("--logs", type=Path, metavar="DIR", help="the folder of run folders (GENOLIGHTNING_LOGS, logs)")
    parser.add_argument("--dataset", metavar="GLOB", help="only these datasets, also without a run, e.g. 'gb_*'")
    parser.add_argument("--model", metavar="GLOB", help="only these models of yours")
    parser.add_argument("--score", metavar="NAME", help="this score; without it the records' own and the published one")
    parser.add_argument("--baselines", action="store_true", help="fit a 6-mer logistic regression for each dataset")
    parser.add_argument("--paired", action="store_true", help="below the table, each model's difference to the best")
    parser.add_argument("--format", choices=FORMATS, default="table", help="table (default), csv, md or json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there instead of printing")
    args = parser.parse_args(given)
    form = "json" if args.json else args.format
    if args.paired and form != "table":
        raise UserError(f"--paired goes with a table, not with {form}; leave one of them out")
    board = board_of(args)
    aside = form != "table" or args.output
    if aside:
        warn(board.notes)
    lines = text(board, form, f"genolightning leaderboard {shlex.join(given)}".strip(), colour=not args.output)
    if args.output is None:
        say(*lines, *([] if aside else [f"note: {note}" for note in board.notes]))
    else:
        from genolightning.storage.text_files import atomic_write

        with atomic_write(args.output) as draft:
            draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def text(board: Board, form: str, command: str, *, colour: bool) -> list[str]:
    """The board as lines of one of the FORMATS."""
    if form == "json":
        return [json.dumps([{key: getattr(row, key) for key in FIELDS} for row in board.rows])]
    if form == "csv":
        return _csv(board.rows)
    if form == "md":
        from genolightning.report.leaderboard_tables import page

        return page(board.rows, board.records, command)
    pairs = ["", "95 % intervals of differences, the same test rows drawn again for both:", *board.paired]
    return [*told(board.rows, colour=colour), *(pairs if board.paired else [])]


def warn(lines: Sequence[str]) -> None:
    """Say on standard error what must not stand among the rows."""
    sys.stderr.writelines(f"genolightning: {line}\n" for line in lines)


def hint(line: str) -> None:
    """Tell of work that takes its time, on standard error."""
    warn([line])


def board_of(args: Any) -> Board:
    """Read the records, group them, and put beside them what else there is for their datasets."""
    from genolightning.analysis import leaderboard as board
    from genolightning.benchmarks.published_scores import published

    root = args.logs or logs_dir()
    if args.logs and not root.is_dir():
        raise UserError(f"--logs {root}: no such folder; name the one that holds the run folders")
    records, skipped = board.finished(root)
    warn([f"warning: {line}" for line in skipped])
    chosen = [one for one in records if _fits(one.dataset, args.dataset) and _fits(one.model, args.model)]
    scores = [one for one in published() if _fits(one.dataset, args.dataset)]
    groups, notes = board.grouped(chosen)
    datasets = sorted({group.dataset for group in groups})
    if not datasets and args.dataset and not args.model:
        datasets = sorted({one.dataset for one in scores})
        notes.append(f"no finished run of {args.dataset} in {root}: published scores only")
    if not datasets:
        raise UserError(_nothing(args, root, records))
    names = board.details(groups, Usual(args.config_dir))
    fitted = Fitted(args.config_dir) if args.baselines else None
    rows, pairs = [], []
    for dataset in datasets:
        here = [(group, name) for group, name in zip(groups, names, strict=True) if group.dataset == dataset]
        made = rows_of(dataset, here, [one for one in scores if one.dataset == dataset], args.score, fitted)
        for metric in dict.fromkeys(row.metric for row in made if args.paired):
            pairs += board.paired([group for group, _ in here], [name for _, name in here], metric, hint)
        rows += made
    if not rows:
        raise UserError(f"no score {args.score}; there are {', '.join(_scores(chosen, scores))}")
    notes += fitted.notes if fitted else []
    shown = [row for section in board.sections(rows) for _, row in section]
    return Board(shown, pairs, notes, [run for group in groups for run in group.runs])


def rows_of(
    dataset: str, groups: "list[tuple[Group, str]]", scores: Sequence[Any], wanted: str | None, fitted: "Fitted | None"
) -> "list[Row]":
    """All rows of one dataset."""
    from genolightning.analysis import leaderboard as board

    verdicts = {group.split: board.verdict_of(group.runs) for group, _ in groups}
    metrics = board.metrics_of([group for group, _ in groups], scores, wanted)
    rows = [row for group, name in groups for row in board.own_rows(group, name, metrics, hint)]
    peers = {(group.split, group.data): group.runs[-1] for group, _ in groups}
    without_runs: dict[tuple[str, str], RunRecord | None] = {("original", ""): None}
    for (split, _), run in (peers or without_runs).items():
        found = fitted.estimates(dataset, split, run) if fitted else {}
        rows += [
            board.baseline_row(dataset, split, verdicts.get(split), metric, found[metric])
            for metric in metrics
            if metric in found
        ]
    return rows + [board.published_row(one, verdicts.get("original")) for one in scores if one.metric in metrics]


def _fits(name: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(name, pattern)


def _nothing(args: Any, root: Path, records: "Sequence[RunRecord]") -> str:
    if not records:
        return f"no finished run in {root}; make one: genolightning train dataset=motifs model=convnet trainer=cpu"
    there = sorted({f"{one.dataset} {one.model}" for one in records})
    asked = " ".join(f"--{key} {getattr(args, key)}" for key in ("dataset", "model") if getattr(args, key))
    return f"{asked}: no finished run in {root} fits; there are {', '.join(there[:10])}" + ", ..." * (len(there) > 10)


def _scores(records: "Sequence[RunRecord]", scores: Sequence[Any]) -> list[str]:
    return sorted({name for one in records for name in one.metrics} | {one.metric for one in scores})


class Usual:
    """The settings that the shipped configs make, so that a row need only say what differs."""

    def __init__(self, config_dir: Path | None) -> None:
        self.config_dir = config_dir
        self.known: dict[tuple[str, ...], dict[str, Any] | None] = {}

    def __call__(self, record: "RunRecord") -> tuple[list[str], dict[str, Any]] | None:
        """Words such as `experiment=NAME`, and settings; None where the model is none of the shipped configs."""
        choices = record.config.get("choices") or {}
        first = [f"model={choices.get('model')}"]
        base, said = self._made(*first), list[str]()
        if base is None:
            return None
        if choices.get("experiment"):
            first.append(f"dataset={choices.get('dataset')}")  # the experiment may have set keys of the dataset
            base = self._made(*first) or base
        for group in ("experiment", "trainer"):
            word = f"{group}={choices.get(group)}"
            more = self._made(*first, *said, word) if choices.get(group) else None
            if more is not None and more != base:
                base, said = more, [*said, word]
        if not choices.get("experiment"):  # read, not composed: a tenth of a second for each dataset would add up
            base = {key: value for key, value in base.items() if not key.startswith("dataset.")}
            base |= self._of_dataset(str(choices.get("dataset")))
        return said, base

    def _made(self, *given: str) -> dict[str, Any] | None:
        if given not in self.known:
            from omegaconf import OmegaConf

            from genolightning.analysis.leaderboard import settings
            from genolightning.config import compose

            try:
                cfg = compose.compose("train", given, config_dir=self.config_dir).cfg
                self.known[given] = settings(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
            except UserError:  # a model or dataset of somebody else's, or one that asks for a file
                self.known[given] = None
        return self.known[given]

    def _of_dataset(self, name: str) -> dict[str, Any]:
        from genolightning.analysis.leaderboard import settings
        from genolightning.benchmarks.card import composed

        file = words.choices("dataset", self.config_dir).get(name)
        return settings({"dataset": composed(file)}) if file else {}


class Fitted:
    """The 6-mer logistic regression of each dataset and split: fitted once, its scores kept in the cache."""

    def __init__(self, config_dir: Path | None) -> None:
        self.config_dir = config_dir
        self.notes: list[str] = []

    def estimates(self, dataset: str, split: str, run: "RunRecord | None") -> dict[str, Any]:
        """Its scores on the test rows of a run (or of the dataset as it is here); none, and a note, if it has none."""
        from genolightning.analysis.baselines import kmer_scores
        from genolightning.config.datasets import benchmark_from_name

        config = run.config if run else {}
        choices = config.get("choices") or {}
        seed = (config.get("dataset") or {}).get("seed", 1)
        try:
            name = choices.get("dataset") or dataset
            return kmer_scores(
                name,
                split,
                seed,
                run.data_sha256 if run else None,
                make_benchmark=lambda: benchmark_from_name(name, config_dir=self.config_dir),
            )
        except UserError as error:
            self.notes.append(f"no 6-mer baseline of {dataset}: {error}")
            return {}


def _csv(rows: "Sequence[Row]") -> list[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        cells = [getattr(row, key) for key in FIELDS]
        writer.writerow(" ".join(map(str, one)) if isinstance(one, list | tuple) else one for one in cells)
    return out.getvalue().splitlines()


def told(rows: "Sequence[Row]", *, colour: bool) -> list[str]:
    """The board for a terminal: a title for each dataset, score and split, its rows below, best first."""
    from genolightning.analysis.leaderboard import sections
    from genolightning.report.audit_tables import coloured

    parts = sections(rows)
    cells = [[HEAD, *(_cells(rank, row) for part in parts for rank, row in part)]]
    lines = columns(cells[0], right=[0, 2, 3, 4])
    at = lines[0].index("verdict")
    shown, left = [lines[0]], iter(lines[1:])
    for part in parts:
        first = part[0][1]
        better = "" if first.higher_is_better else " (less is better)"
        shown += ["", f"{first.dataset}, {first.metric}{better}, split {first.split}"]
        for _, row in part:
            line, word = next(left), row.verdict or ""
            if colour and word:
                line = line[:at] + coloured(word) + line[at + len(word) :]
            shown.append(line)
    return [*shown, "", *_legend(rows)]


def _cells(rank: int | None, row: "Row") -> list[str]:
    from genolightning.analysis.leaderboard import CHOSEN, MEAN, spans

    name = f"{row.model} ({row.detail})" if row.detail else row.model
    between = "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
    seeds = spans(row.seeds)
    if row.origin == "published" and row.runs:
        seeds = f"{row.runs} run" + "s" * (row.runs > 1)
    return [
        "" if rank is None else str(rank),
        clipped(name, MODEL_WIDTH),
        "none" if row.value is None else f"{row.value:.3f}",
        "" if row.sd is None else f"{row.sd:.3f}",
        f"~{between}" if row.interval == MEAN else between,
        clipped(seeds, 8),
        row.verdict or "",
        row.protocol.removeprefix(CHOSEN),
        clipped(row.source.split(",")[0], SOURCE_WIDTH),
    ]


def clipped(words: str, width: int) -> str:
    """Words cut to a width, with an ellipsis where something was cut.

    >>> clipped("optimizer.lr=0.001", 12)
    'optimizer.l…'
    """
    return words if len(words) <= width else words[: width - 1] + "…"


def _legend(rows: "Sequence[Row]") -> list[str]:
    from genolightning.analysis.leaderboard import MEAN

    lines = [
        "protocol: what chose the tested epoch; a rank counts among rows of one protocol, `unknown` has none",
        "interval: 95 %, test rows drawn again (of several seeds: around their mean); sd: over the seeds",
    ]
    if any(row.interval == MEAN for row in rows):
        lines.append("~: the mean of the seeds' own intervals, for their predictions could not be pooled")
    return lines
