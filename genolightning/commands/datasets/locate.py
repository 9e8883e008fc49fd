"""`genolightning datasets locate FASTA|TABLE --genome FILE --output TABLE.csv.gz`: from sequences to coordinates."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.console import say
from genolightning.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from genolightning.genome.locate import Located

SHOWN = 20  # ids printed; --json lists all


def main(given: list[str]) -> int:
    """Write the interval table and print how many sequences are placed once, more than once, or not at all."""
    parser = words.options(
        "datasets locate",
        "find sequences in a genome, exactly, on both strands, and write their intervals (0-based, half-open) as a\n"
        "table id,region,start,end,strand. N matches nothing. A sequence that lies in several places is written with\n"
        "the first; all are counted.",
        [
            "promoters.fa --genome hg38.fa.gz --output promoters.csv.gz",
            "promoters.fa --genome hg38.fa.gz --output promoters.bed",
            "test.tsv --genome hg38.fa --output test.csv.gz",
        ],
    )
    parser.add_argument("input", type=Path, metavar="FASTA|TABLE", help="sequences: FASTA, csv, tsv or parquet")
    parser.add_argument("--genome", type=Path, required=True, metavar="FILE", help="a FASTA, gzipped or not")
    parser.add_argument("--output", type=Path, required=True, metavar="TABLE", help=".csv, or .bed as `build` takes it")
    parser.add_argument("--sequence", default="sequence", help="a table's column of sequences (default: sequence, seq)")
    parser.add_argument("--id", help="a table's column of ids (default: row numbers)")
    parser.add_argument("--every-hit", action="store_true", help="write all hits; the second of x is called x:2")
    args = parser.parse_args(given)
    if not args.output.name.endswith((".csv", ".csv.gz", ".bed", ".bed.gz")):
        raise UserError(f"--output {args.output}: wanted a name that ends in .csv or .bed, or in one of these and .gz")

    from genolightning.data.input_files import read_unlabelled
    from genolightning.genome.locate import locate
    from genolightning.genome.reference import Genome
    from genolightning.paths import in_data_root

    rows = read_unlabelled(args.input, sequence=args.sequence, id=args.id)
    _refuse_ids(args.input, rows.ids.tolist())
    located = locate(rows.codes, Genome(in_data_root(args.genome)))
    _write(args.output, rows.ids, located, every_hit=args.every_hit)
    facts = _facts(rows.ids, located) | {"output": str(args.output)}
    say(*([json.dumps(facts)] if args.json else _sheet(facts)))
    return 0


def _refuse_ids(path: Path, ids: list[str]) -> None:
    name, count = Counter(ids).most_common(1)[0]
    if count > 1:
        raise UserError(f"{path}: the id {name!r} stands {count} times; a table names each row once, try without --id")
    if comma := next((name for name in ids if "," in name or '"' in name), None):
        raise UserError(
            f"{path}: the id {comma!r} holds a comma or quote, which a table of intervals cannot; rename it"
        )


def _facts(ids: "np.ndarray", located: "Located") -> dict[str, Any]:
    hits = located.hits
    return {
        "sequences": len(hits),
        "placed": int((hits > 0).sum()),
        "unique": int((hits == 1).sum()),
        "hits": int(hits.sum()),
        "repeated": {str(ids[row]): int(hits[row]) for row in (hits > 1).nonzero()[0]},
        "unplaced": [str(one) for one in ids[hits == 0]],
    }


def _write(path: Path, ids: "np.ndarray", located: "Located", *, every_hit: bool) -> None:
    from genolightning.storage.atomic import atomic_write

    kept = range(len(located.query)) if every_hit else located.first().tolist()
    place, query = located.intervals, located.query.tolist()
    seen: Counter[int] = Counter()
    bed = path.name.removesuffix(".gz").endswith(".bed")
    lines = [] if bed else ["id,region,start,end,strand"]
    for row in kept:
        seen[query[row]] += 1
        number = seen[query[row]]
        name = str(ids[query[row]]) + (f":{number}" if number > 1 else "")
        strand = "+" if place.strand is None else place.strand[row]
        interval = [str(place.chrom[row]), str(place.start[row]), str(place.end[row])]
        lines.append("\t".join([*interval, name, "0", strand]) if bed else ",".join([name, *interval, strand]))
    data = ("\n".join(lines) + "\n").encode()
    with atomic_write(path) as part:
        part.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _sheet(facts: dict[str, Any]) -> list[str]:
    lines = [
        f"{facts['placed']:,} of {facts['sequences']:,} sequences placed, {facts['unique']:,} in one place only; "
        f"{facts['output']} written"
    ]
    for what, names in (
        ("unplaced", facts["unplaced"]),
        ("in several places", [f"{name} ({count})" for name, count in facts["repeated"].items()]),
    ):
        if names:
            more = f", ... ({len(names):,})" if len(names) > SHOWN else ""
            lines.append(f"{what}: {', '.join(names[:SHOWN])}{more}")
    return lines
