"""A new dataset of interval tables made from files: a genome, and positives from a BED or an annotation."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genolightning.benchmarks.build.dataset import Built, build, write_card, write_tables
from genolightning.benchmarks.files import existing, shown
from genolightning.errors import GenomeMissing, UserError
from genolightning.genome.annotation import read_gff
from genolightning.genome.intervals import Intervals, read_bed
from genolightning.genome.reference import Genome
from genolightning.paths import in_data_root


class InputFiles(NamedTuple):
    """What a dataset is built from: positives are a BED, or the features of one type of an annotation."""

    genome: Path  # FASTA
    positives: Path | None = None  # BED
    gff: Path | None = None  # GFF3 or GTF
    feature: str | None = None  # type of the features that are the positives
    negatives_from: str | None = None  # `intergenic`: negatives touch no feature of the annotation

    def fasta(self) -> Path:
        """The genome's file, packed or not; GenomeMissing where there is none."""
        file = existing(in_data_root(self.genome))
        if file is None:
            raise GenomeMissing(f"there is no genome {in_data_root(self.genome)}; name one with --genome FASTA")
        return file

    def read(self) -> tuple[Intervals, Intervals]:
        """The positives, and all intervals that no negative may touch, positives among them."""
        if bool(self.positives) == bool(self.feature):
            raise UserError("name the positives: either --positives BED, or --gff FILE with --feature TYPE")
        if not self.gff and (self.feature or self.negatives_from):
            raise UserError(f"--{'feature' if self.feature else 'negatives-from'} needs the annotation: add --gff FILE")
        annotation = read_gff(in_data_root(self.gff)) if self.gff else None
        if annotation and self.feature:
            positives = annotation.of_type(self.feature)
        else:
            assert self.positives is not None
            positives = read_bed(in_data_root(self.positives)).intervals
        # what a window or --max-n leaves out of the positives is no negative either
        avoid = [annotation.annotated()] if annotation and self.negatives_from else []
        return positives, Intervals.concat([positives, *avoid])

    def describe(self) -> str:
        """The two classes and the genome, by the names of the files."""
        positives = (
            f"{self.feature} of {self.gff.name}" if self.feature and self.gff else Path(self.positives or "").name
        )
        return f"{positives} against {self.negatives_from or 'the rest of the genome'}, {self.genome.name}"


def check_names(name: str, classes: Sequence[str]) -> None:
    """UserError where a dataset or its two classes cannot have these names."""
    if len(classes) != 2 or not all(re.fullmatch(r"\w[\w.-]*", label) for label in classes):
        raise UserError(
            f"--classes {','.join(classes)}: wanted the names of the negatives and the positives, e.g. no,yes"
        )
    if classes[0] == classes[1]:
        raise UserError(f"--classes {','.join(classes)}: the class {classes[0]!r} stands there twice; give two names")
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UserError(f"{name}: a dataset's name is made of letters, digits, _, . and -")


def build_from_files(
    name: str,
    files: InputFiles,
    *,
    folder: Path,
    config_file: Path,
    classes: Sequence[str],
    command: Sequence[str],
    **settings: Any,
) -> dict[str, Any]:
    """Build a dataset, write its tables into `folder` and its YAML, and return what was written.

    `classes` names the negatives, then the positives; `command` is kept in the card; `settings` are those of
    `build`. The facts hold `rows`, split -> class -> rows, and `dropped`, reason -> positives left out.
    """
    fasta = files.fasta()
    positives, avoid = files.read()
    built = build(positives, Genome(fasta), avoid=avoid, **settings)
    sums = write_tables(built, folder, classes, shown(fasta))
    rows = len(built.positives)
    write_card(
        config_file,
        name,
        built,
        folder=folder,
        sums=sums,
        about=f"Built here: {files.describe()}; {rows:,} + {rows:,} rows.",
        classes=classes,
        genome=fasta,
        command=command,
    )
    return {
        "name": name,
        "rows": class_counts(built, classes),
        "dropped": built.dropped,
        "tables": str(folder),
        "config": str(config_file),
    }


def class_counts(built: Built, classes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Rows by split and class; `classes` names the negatives, then the positives."""
    masks = dict(zip(classes, built.in_test[::-1], strict=True))
    return {
        "train": {label: int((~in_test).sum()) for label, in_test in masks.items()},
        "test": {label: int(in_test.sum()) for label, in_test in masks.items()},
    }
