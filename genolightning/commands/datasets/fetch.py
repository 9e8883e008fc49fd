"""`genolightning datasets fetch NAME`: get a dataset's tables and reference genomes, resumed and verified."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.config.datasets import dataset_file
from genolightning.console import say
from genolightning.errors import UserError

if TYPE_CHECKING:
    from genolightning.benchmarks.sources.download import Progress


def main(given: list[str]) -> int:
    """Fetch what is not in the data root yet and print what was done with each file."""
    parser = words.options(
        "datasets fetch",
        "get a dataset's tables and reference genomes into the data root (GENOLIGHTNING_DATA). Each file is verified,\n"
        "an interrupted download goes on where it stopped, and files that are there already are only checked.\n"
        "GENOLIGHTNING_MIRROR=URL names a server of your own with the layout of the data root; proxies are those\n"
        "of the environment; GENOLIGHTNING_OFFLINE=1 forbids every connection.",
        ["gue_tf_0", "gb_human_enhancers_cohn", "gb_human_enhancers_cohn --sequences"],
    )
    parser.add_argument("name", metavar="NAME")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--tables-only", action="store_true", help="leave reference genomes out (they are gigabytes)")
    only.add_argument(
        "--sequences", action="store_true", help="instead of genomes, ready sequences, sequences/<name>/<split>.tsv.gz"
    )
    args = parser.parse_args(given)
    file = dataset_file(args.name, args.config_dir)

    from genolightning.benchmarks.card import composed
    from genolightning.benchmarks.sources.catalogue import GENOMES, TABLES
    from genolightning.paths import data_root

    facts = {"name": args.name} | composed(file)
    if args.sequences and "folder" not in facts:
        raise UserError(f"{args.name} is a table of sequences already; fetch it without --sequences")
    plain = args.tables_only or args.sequences
    rows = _files(facts, [TABLES] if plain else [TABLES, GENOMES], data_root(), as_json=args.json)
    if args.sequences:
        rows += _ready(facts, data_root(), as_json=args.json)
    if args.json:
        say(json.dumps(rows))
    return 0


def _files(facts: dict[str, Any], kinds: list[str], root: Path, *, as_json: bool) -> list[dict[str, str]]:
    from genolightning.benchmarks.sources.catalogue import sources
    from genolightning.benchmarks.sources.download import fetch

    wanted = [source for kind in kinds for source in sources(facts, kind)]
    if not wanted:
        raise UserError(f"{facts['name']} has no files to fetch; see: genolightning datasets info {facts['name']}")
    rows = []
    for source in wanted:
        with _progress(source.path, quiet=as_json) as progress:
            new = fetch(source, root, progress=progress)
        rows.append({"file": source.path, "was": "fetched" if new else "there"})
        if not as_json:
            say(f"{'fetched' if new else 'there':<8} {source.path}")
    return rows


def _ready(facts: dict[str, Any], root: Path, *, as_json: bool) -> list[dict[str, str]]:
    """Convert the archive of precomputed sequences to one table per split; the archive itself is not kept."""
    from genolightning.benchmarks.sources.archive import ready_sequences
    from genolightning.benchmarks.sources.catalogue import SEQUENCES

    folder = root / "sequences" / facts["folder"]
    tables = [folder / f"{split}.tsv.gz" for split in ("train", "test")]
    if all(table.exists() for table in tables):
        rows = [{"file": str(table.relative_to(root)), "was": "there"} for table in tables]
    else:
        (archive,) = _files(facts, [SEQUENCES], root, as_json=as_json)
        counts = ready_sequences(root / archive["file"], folder)
        (root / archive["file"]).unlink()
        rows = [{"file": f"sequences/{facts['folder']}/{split}.tsv.gz", "was": "fetched"} for split in counts]
    if not as_json:
        say(*(f"{row['was']:<8} {row['file']}" for row in rows))
    return rows


@contextmanager
def _progress(name: str, *, quiet: bool) -> "Iterator[Progress | None]":
    """A bar on a terminal; elsewhere a line when a download begins."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        begun: list[int] = []

        def note(done: int, size: int | None) -> None:
            if not begun:
                begun.append(done)
                kept = f", {done:,} of them here already" if done else ""
                print(f"fetching {name}: {'some' if size is None else f'{size:,}'} bytes{kept}", file=sys.stderr)

        yield note
    else:
        from rich import progress as bars
        from rich.console import Console

        with bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.DownloadColumn(),
            bars.TransferSpeedColumn(),
            bars.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task(name.rpartition("/")[2], total=None)
            yield lambda done, size: bar.update(task, completed=done, total=size)
