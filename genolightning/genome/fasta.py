"""FASTA letters to base codes: one pass over a plain, gzipped or bgzipped file, a few megabytes at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from genolightning.errors import BadTable
from genolightning.genome.alphabet import BYTE_TO_CODE, ILLEGAL
from genolightning.storage.text_files import open_decompressed

CHUNK_BYTES = 1 << 22
_TABLE = BYTE_TO_CODE.tobytes()
_BLANK = b" \t\r\n"
_ILLEGAL_CODE = bytes([ILLEGAL])


def encode_fasta(fasta: Path, out: BinaryIO) -> dict[str, int]:
    """Write the codes of all records end to end, one byte a base; returns each record's length in bp, in file order.

    A record's name is its header up to the first white space. Memory stays at a few chunks whatever the length of
    records and lines. Raises BadTable for a file that is not a FASTA, is empty or truncated, for a name that occurs
    twice, a record without bases, and a letter that is not IUPAC (naming record and line).
    """
    lengths: dict[str, int] = {}
    name = ""
    with open_decompressed(fasta) as stream:
        for header, sequence in _pieces(stream):
            if header is not None:
                _check_bases(fasta, name, lengths)
                name = _name(fasta, header, lengths)
                lengths[name] = 0
            codes = sequence.translate(_TABLE, _BLANK)
            if codes and not lengths:
                raise BadTable(f"{fasta} is not a FASTA: it begins with {_beginning(sequence)}, wanted '>' and a name")
            if _ILLEGAL_CODE in codes:
                _blame_letter(fasta)
            if codes:
                out.write(codes)
                lengths[name] += len(codes)
    if not lengths:
        raise BadTable(f"{fasta} is empty; a FASTA holds at least one record, '>' and a name, then bases")
    _check_bases(fasta, name, lengths)
    return lengths


def _beginning(sequence: bytes) -> str:
    """The first bytes of what should have been a FASTA, for an error."""
    return repr(sequence.lstrip()[:12])[1:]


def _pieces(stream: BinaryIO) -> Iterator[tuple[bytes | None, bytes]]:
    """Stretches of sequence text in file order, each with its header, or None where the record before goes on."""
    before = b"\n"  # a header begins a line, and the line may begin a chunk
    while chunk := stream.read(CHUNK_BYTES):
        text = before + chunk
        last = text.rfind(b"\n>")
        if last >= 0 and text.find(b"\n", last + 1) < 0:
            text += stream.readline()
        first, *records = text.split(b"\n>")
        yield None, first[1:]
        for record in records:
            header, _, sequence = record.partition(b"\n")
            yield header, sequence
        before = text[-1:]


def _name(fasta: Path, header: bytes, lengths: dict[str, int]) -> str:
    words = header.split(maxsplit=1)
    if not words:
        raise BadTable(f"{fasta} record {len(lengths) + 1}: the header names nothing; write '>' and a name")
    try:
        name = words[0].decode()
    except UnicodeDecodeError as error:
        raise BadTable(f"{fasta} record {len(lengths) + 1}: its name {words[0][:40]!r} is no UTF-8 text") from error
    if name in lengths:
        raise BadTable(
            f"{fasta} record {len(lengths) + 1}: the name {name} occurs twice; names must differ, rename one"
        )
    return name


def _check_bases(fasta: Path, name: str, lengths: dict[str, int]) -> None:
    if lengths and not lengths[name]:
        raise BadTable(f"{fasta} record {name}: a header without bases below it; remove it or add its sequence")


def _blame_letter(fasta: Path) -> NoReturn:
    """Raise BadTable with the record and line of a wrong letter that is known to be in the file."""
    name = b""
    with open_decompressed(fasta) as stream:
        for number, line in enumerate(stream, 1):
            if line.startswith(b">"):
                name = line[1:].split(maxsplit=1)[0]
                continue
            letters = line.translate(None, _BLANK)
            if (place := letters.translate(_TABLE).find(_ILLEGAL_CODE)) >= 0:
                letter = letters[place : place + 1].decode("latin-1")
                raise BadTable(
                    f"{fasta} line {number}: {letter!r} in record {name.decode()} is not an IUPAC letter; "
                    "write ACGTU, N or RYSWKMBDHV"
                )
    raise BadTable(f"{fasta} changed while it was read; run again when it is whole")
