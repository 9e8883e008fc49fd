"""`genolightning datasets list`: the available datasets, and which have their files present."""

import json

from genolightning import api_tables
from genolightning.config.datasets import dataset_file
from genolightning.config.help import options
from genolightning.console import format_table, say
from genolightning.report.dataset_tables import listed


def main(arguments: list[str]) -> int:
    """Print a row for each dataset, or for the one that is named."""
    parser = options("datasets list", "list the datasets", ["", "--json", "--config-dir DIR"])
    parser.add_argument("name", nargs="?", help="only this one")
    args = parser.parse_args(arguments)
    if args.name:
        dataset_file(args.name, args.config_dir)
    rows = [pair for pair in api_tables.dataset_rows(args.config_dir) if args.name in (None, pair[0]["name"])]
    shown = format_table([listed(row, facts) for row, facts in rows]) if not args.json else []
    say(*(shown or [json.dumps([row for row, _ in rows])]))
    return 0
