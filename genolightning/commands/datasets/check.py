"""`genolightning datasets check [NAME]`: is everything there that a dataset is made of, and is it whole?"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from genolightning.config import help as words
from genolightning.console import say
from genolightning.errors import ChecksumMismatch, UserError

if TYPE_CHECKING:
    from genolightning.benchmarks.base import Benchmark
    from genolightning.data.datamodule import SequenceDataModule

Parts = list[dict[str, str]]


def main(given: list[str]) -> int:
    """Check all datasets for missing files, or every byte of one; 2 if that one is not usable."""
    parser = words.options(
        "datasets check",
        "say which datasets have all their files; of a dataset asked for by name look at every byte: tables against\n"
        "their published checksums, genomes and encoded rows against those they were written with. What is damaged in\n"
        "the cache is made anew.",
        ["--json", "gb_human_nontata_promoters", "gb_human_ocr_ensembl dataset.genome=hg38.fa"],
    )
    parser.add_argument("name", nargs="?", help="a dataset, see: genolightning datasets list")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="words such as dataset.genome=hg38.fa")
    args = parser.parse_intermixed_args(given)
    files = words.choices("dataset", args.config_dir)
    if args.name and args.name not in files:
        raise UserError(f"no dataset '{args.name}'; {words.near(args.name, files)}see: genolightning datasets list")
    if args.name:
        return _one(args.name, args.overrides, args.config_dir, as_json=args.json)
    rows = []
    for name in files:
        problem = None
        try:
            _data(name, [], args.config_dir).benchmark.prepare()
        except UserError as error:
            problem = str(error)
        rows.append({"name": name, "usable": problem is None, "problem": problem})
    shown = words.table([{**row, "usable": "yes" if row["usable"] else "no"} for row in rows])
    say(*([json.dumps(rows)] if args.json else shown))
    return 0


def _one(name: str, overrides: list[str], config_dir: Path | None, *, as_json: bool) -> int:
    parts: Parts = []
    problem = None
    try:
        _look(_data(name, overrides, config_dir), _published(name, config_dir), parts)
    except UserError as error:
        problem = error
    if as_json:
        row = {"name": name, "usable": problem is None, "problem": problem and str(problem), "parts": parts}
        say(json.dumps([row]))
    elif parts:
        say(*words.table(parts))
    if problem is not None:
        raise problem
    return 0


def _look(data: "SequenceDataModule", published: dict[str, str], parts: Parts) -> None:
    """Look at files, genomes and stores in turn, each noted in `parts`; raises for a fault that cannot be mended."""
    from genolightning.benchmarks.files import shown
    from genolightning.storage.text_files import sha256

    benchmark = data.benchmark
    parts += [{"part": file, "state": "missing"} for file in getattr(benchmark, "lacks", list)()]
    try:
        benchmark.prepare()
    except UserError:
        there = {shown(path): sha256(path) for path in getattr(benchmark, "there", list)()}
        _look_at_files(benchmark.name, there, published, parts)
        raise
    found = {file: key for split in benchmark.splits() for file, key in benchmark.sha256(split).items()}
    fault = _look_at_files(benchmark.name, found, published, parts)
    _look_at_genomes(benchmark, parts)
    for split, state in data.check().items():
        parts.append({"part": f"encoded {split} rows", "state": state})
    if fault is not None:  # last: what is wrong with a row says more
        raise fault


def _look_at_files(
    name: str, found: dict[str, str], published: dict[str, str], parts: Parts
) -> ChecksumMismatch | None:
    """Compare files (-> sha256) with their published checksums, which may be those of the unpacked file."""
    from genolightning.paths import data_root

    fault = None
    for file, key in found.items():
        plain = file.removesuffix(".gz")
        direct = next((sha for known, sha in published.items() if f"/{file}".endswith(f"/{known}")), None)
        inside = next((sha for known, sha in published.items() if f"/{plain}".endswith(f"/{known}")), None)
        if direct is None and inside is not None:
            key = _sha256_unpacked(data_root() / file)
        wanted = direct or inside
        state = "there, no published checksum" if wanted is None else "as published" if wanted == key else "changed"
        parts.append({"part": file, "state": state})
        if state == "changed" and fault is None:
            fault = ChecksumMismatch(
                f"{file}: wanted sha256 {wanted}, as published, found {key}; remove it and fetch it again: "
                f"genolightning datasets fetch {name}"
            )
    return fault


def _look_at_genomes(benchmark: "Benchmark", parts: Parts) -> None:
    from genolightning.data.encoded_split import remove_splits_of
    from genolightning.genome.reference import Genome

    ready = getattr(benchmark, "ready", None)
    if ready is not None and all(ready(split) for split in benchmark.splits()):
        return
    for path in getattr(benchmark, "references", list)():
        genome = Genome(path)
        whole = genome.check()
        if not whole:
            remove_splits_of(genome.key)  # rows that were gathered from damaged bases
        parts.append({"part": f"encoded {path.name}", "state": "whole" if whole else "rebuilt"})


def _sha256_unpacked(path: Path) -> str:
    from genolightning.storage.text_files import opened

    digest = hashlib.sha256()
    with opened(path) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _published(name: str, config_dir: Path | None) -> dict[str, str]:
    from genolightning.benchmarks.card import read_card

    return read_card(words.choices("dataset", config_dir)[name]).sha256


def _data(name: str, overrides: list[str], config_dir: Path | None) -> "SequenceDataModule":
    from hydra.utils import instantiate

    from genolightning.config import compose

    cfg = compose.compose("train", [f"dataset={name}", *overrides], config_dir=config_dir).cfg
    data: SequenceDataModule = instantiate(cfg.dataset, _convert_="all")
    return data
