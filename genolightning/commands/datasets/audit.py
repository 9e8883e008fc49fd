"""`genolightning datasets audit NAME`: does the split leak, and can it be read without reading DNA?"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.config import help as words
from genolightning.config.overrides import value_of
from genolightning.console import columns, say
from genolightning.errors import UserError, check_integer

if TYPE_CHECKING:
    from genolightning.benchmarks.audit.leakage import Audit
    from genolightning.benchmarks.base import Benchmark

RED, PLAIN = "\033[1;31m", "\033[0m"
SHORTCUTS = {
    "majority_accuracy": "the most frequent class",
    "lookup_accuracy": "look-up: class of the training interval it overlaps most",
    "length_accuracy": "length: majority class of the training rows as long",
    "composition_auc": "composition: AUROC of logistic regression on base frequencies",
}
LEAKS = {
    "test_exact": "test rows that repeat a training row, either strand",
    "test_overlap": "test rows that overlap a training row",
    "test_overlap_half": "test rows that share half of both with a training row",
    "test_near": "test rows at least 80 % alike to a training row",
}


def main(given: list[str]) -> int:
    """Audit one dataset and print a table or, with `--json`, one JSON value."""
    parser = words.options(
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
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="words such as dataset.genome=hg38.fa")
    parser.add_argument("--split", help="original (default), clean or chromosome; as dataset.split=")
    parser.add_argument("--seed", type=int, default=1, help="of a split that is not the original")
    parser.add_argument("--quick", action="store_true", help="leave out the search for near-duplicates")
    parser.add_argument("--baselines", action="store_true", help="also score 6-mer models, the ones worth beating")
    args = parser.parse_intermixed_args(given)
    check_integer("--seed", args.seed, 0)
    benchmark = benchmark_of(args.name, args.overrides, args.config_dir)

    from genolightning.benchmarks.audit.leakage import audit
    from genolightning.benchmarks.splits import assign

    split = args.split or value_of(args.overrides, "dataset.split") or "original"
    chosen = assign(benchmark, split, args.seed)
    found = audit(benchmark, train=chosen.train, test=chosen.test, split=chosen.id, near=not args.quick)
    found = found._replace(notes=chosen.notes + found.notes)
    worth: dict[str, Any] | None = None
    if args.baselines:
        from genolightning.benchmarks.audit.kmer_baselines import worth_beating

        worth = worth_beating(benchmark, chosen.train, chosen.test)
    if args.json:
        say(json.dumps(found._asdict() | ({"worth_beating": worth} if worth else {})))
    else:
        say(*sheet(found), *(_worth_table(worth) if worth else []))
    return 0


def benchmark_of(name: str, overrides: list[str], config_dir: Path | None) -> "Benchmark":
    """The benchmark behind a dataset's config, with words such as `dataset.genome=FILE` applied."""
    files = words.choices("dataset", config_dir)
    if name not in files:
        raise UserError(f"no dataset '{name}'; {words.near(name, files)}see: genolightning datasets list")
    from hydra.utils import instantiate

    from genolightning.config import compose

    cfg = compose.compose("train", [f"dataset={name}", *overrides], config_dir=config_dir).cfg
    benchmark: Benchmark = instantiate(cfg.dataset, _convert_="all").benchmark
    return benchmark


def coloured(verdict: str, text: str | None = None) -> str:
    """The verdict, or a text about it, in red where it is not clean and a terminal shows it."""
    red = verdict != "clean" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"{RED}{text or verdict}{PLAIN}" if red else text or verdict


def sheet(found: "Audit") -> list[str]:
    """The audit as lines for a reader."""
    values = found._asdict()
    lines = [f"{found.dataset}, split {found.split}: {coloured(found.verdict)}", *(f"  {r}" for r in found.reasons)]
    lines += ["", "what works without reading DNA (accuracy on the test rows)", *_lines(SHORTCUTS, values, "{:.3f}")]
    lines += ["", "test rows that training has seen", *_lines(LEAKS, values, "{:.2%}")]
    lines += ["", "the same sequence again, either strand", *_lines(_counts(found), values, "{:,}")]
    if found.similarity_to_train:
        lines += ["", "similarity of the nearest training sequence: share of test rows"]
        lines += [f"  {low:<6}{share:8.2%}" for low, share in found.similarity_to_train.items()]
    if found.by_class:
        lines += ["", *(f"  {line}" for line in _class_table(found.by_class))]
    return lines + [f"note: {note}" for note in found.notes]


def _counts(found: "Audit") -> dict[str, str]:
    return {
        "duplicates_train": f"of {found.rows['train']:,} training rows, those that repeat an earlier one",
        "duplicates_test": f"of {found.rows['test']:,} test rows, those that repeat an earlier one",
        "cross_split_duplicates": "sequences that stand in train and test",
        "conflicting_labels": "of these, those with more than one label",
        "conflicting_train": "sequences with more than one label inside train",
        "conflicting_test": "sequences with more than one label inside test",
    }


def _lines(about: dict[str, str], values: dict[str, Any], form: str) -> list[str]:
    return [
        f"  {'not known' if values[key] is None else form.format(values[key]):>9}  {text}"
        for key, text in about.items()
    ]


def _class_table(by_class: dict[str, dict[str, Any]]) -> list[str]:
    head = ["class", "train", "test", "repeated", "overlapping", "half shared", "merged loci"]
    rows = [
        [
            label,
            f"{facts['train']:,}",
            f"{facts['test']:,}",
            *(
                "" if facts[k] is None else f"{facts[k]:.2%}"
                for k in ("test_exact", "test_overlap", "test_overlap_half")
            ),
            "" if facts["loci"] is None else f"{facts['loci']:,}",
        ]
        for label, facts in by_class.items()
    ]
    return columns([head, *rows], right=range(1, len(head)))


def _worth_table(worth: dict[str, Any]) -> list[str]:
    head = ["similarity to train", "test rows", "6-mer regression", "nearest 6-mer neighbour"]
    rows = [
        [low, f"{one['rows']:,}", *("" if one[k] is None else f"{one[k]:.3f}" for k in ("logistic", "neighbour"))]
        for low, one in worth.items()
    ]
    return ["", "accuracy worth beating", *(f"  {line}" for line in columns([head, *rows], right=range(1, 4)))]
