"""`genolightning datasets audit NAME`: does the split leak, and do shortcuts such as length predict the label?"""

import json

from genolightning import api_tables
from genolightning.config.datasets import benchmark_from_name
from genolightning.config.help import options
from genolightning.config.overrides import value_of
from genolightning.console import say
from genolightning.report.audit_tables import audit_lines, kmer_lines


def main(arguments: list[str]) -> int:
    """Audit one dataset and print a table or, with `--json`, one JSON value."""
    parser = options(
        "datasets audit",
        "look for leaks between train and test, and for baselines that work without reading DNA; no genome is needed\n"
        "for what intervals tell. The verdict is leaky, suspect or clean.",
        [
            "gb_human_nontata_promoters",
            "gb_human_enhancers_cohn dataset.genome=hg38.fa --baselines",
            "table dataset.train=train.csv dataset.test=test.csv --json",
            "gb_human_nontata_promoters --split clean",
        ],
    )
    parser.add_argument("name", help="a dataset, see: genolightning datasets list")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="overrides such as dataset.genome=hg38.fa")
    parser.add_argument("--split", help="original (default), clean or chromosome; as dataset.split=")
    parser.add_argument("--seed", type=int, default=1, help="of a split that is not the original")
    parser.add_argument("--quick", action="store_true", help="leave out the search for near-duplicates")
    parser.add_argument("--baselines", action="store_true", help="also score 6-mer models, the ones worth beating")
    args = parser.parse_intermixed_args(arguments)
    split = args.split or value_of(args.overrides, "dataset.split") or "original"
    benchmark = benchmark_from_name(args.name, args.overrides, args.config_dir)
    result, kmers = api_tables.audit_split(
        benchmark, split=split, seed=args.seed, near_duplicates=not args.quick, kmers=args.baselines
    )
    if args.json:
        say(json.dumps(result._asdict() | ({"worth_beating": kmers} if kmers else {})))
    else:
        say(*audit_lines(result), *(kmer_lines(kmers) if kmers else []))
    return 0
