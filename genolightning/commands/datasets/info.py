"""`genolightning datasets info NAME`: the facts of a dataset, and which of its files are present."""

import json

from genolightning import api_tables
from genolightning.config.datasets import dataset_file
from genolightning.config.help import options
from genolightning.console import say
from genolightning.errors import UserError
from genolightning.report.dataset_tables import fact_lines


def main(arguments: list[str]) -> int:
    """Print the facts of a dataset, or the entry to cite it with."""
    parser = options("datasets info", "print what is known of a dataset", ["gue_tf_0", "gue_tf_0 --bibtex"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--bibtex", action="store_true", help="print the entry to cite")
    args = parser.parse_args(arguments)
    if not args.name:
        raise UserError("info of which dataset? see: genolightning datasets list")
    if args.bibtex:
        from genolightning.benchmarks.card import bibtex, read_card

        say(bibtex(read_card(dataset_file(args.name, args.config_dir))))
        return 0
    facts = api_tables.dataset_facts(args.name, args.config_dir)
    say(*([json.dumps(facts)] if args.json else fact_lines(facts)))
    return 0
