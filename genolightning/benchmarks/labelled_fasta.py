"""FASTA with the label at the end of each header, `>name|label`: the tasks of the Nucleotide Transformer."""

from pathlib import Path

import numpy as np

from genolightning.benchmarks.text_table import TextTable
from genolightning.errors import BadTable
from genolightning.storage.text_files import read_text


def read_labelled_fasta(path: Path) -> TextTable:
    """Read records, gzipped or not, as the columns name, sequence and label; a row's line is that of its header.

    What follows the last `|` of a header is the label, what precedes it the name. Raises BadTable, naming the line, for
    a header without a label, and for a file that does not begin with a header.
    """
    text = read_text(path).decode().replace("\r\n", "\n").lstrip("\n")
    if not text.startswith(">"):
        raise BadTable(f"{path} line 1: wanted '>name|label', found {text[:40]!r}")
    names, sequences, labels, lines = [], [], [], []
    line = 1
    for record in text[1:].split("\n>"):
        header, _, body = record.partition("\n")
        name, bar, label = header.rpartition("|")
        if not bar or not label.strip():
            raise BadTable(f"{path} line {line}: the header {header[:60]!r} ends in no label; write >name|label")
        names.append(name.strip())
        labels.append(label.strip())
        sequences.append("".join(body.split()))
        lines.append(line)
        line += record.count("\n") + 1
    columns = {"name": names, "sequence": sequences, "label": labels}
    return TextTable(columns, np.array(lines, np.int64), str(path))
