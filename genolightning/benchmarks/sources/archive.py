"""Archives of ready sequences, one text file each, converted to the tables that benchmarks read."""

import gzip
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genolightning.errors import BadTable
from genolightning.storage.atomic import atomic_write


def members(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Names and bytes of the files in a zip or tar (compressed or not), in the archive's order.

    Nothing is written anywhere. Raises BadTable for a file that is no archive or is damaged, and for a member that
    would escape its folder: an absolute name, one with `..`, a link or a device.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                for info in zipped.infolist():
                    if not info.is_dir():
                        linked = info.external_attr >> 16 & 0o170000 == 0o120000
                        yield _inside(archive, info.filename, linked), zipped.read(info)
        else:
            with tarfile.open(archive) as tarred:
                for member in tarred:
                    name = _inside(archive, member.name, not (member.isfile() or member.isdir()))
                    if member.isfile() and (stream := tarred.extractfile(member)):
                        yield name, stream.read()
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise BadTable(f"{archive} is no whole zip or tar archive ({error}); remove it and fetch again") from error


def _inside(archive: Path, name: str, special: bool) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if special or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadTable(f"{archive}: the member {name!r} would escape its folder; do not use this archive")
    return path


def ready_sequences(archive: Path, folder: Path) -> dict[str, int]:
    """Read `<name>/<split>/<class>/<id>.txt` and write `<split>.tsv.gz` with the columns id, sequence, label.

    Rows come by class, then by id, numbers in their order. Returns split -> rows.
    Raises BadTable for another layout.
    """
    rows: dict[str, list[tuple[str, int, str, str]]] = {}
    for path, data in members(archive):
        if path.suffix != ".txt":
            continue
        if len(path.parts) < 3:
            raise BadTable(f"{archive}: {path} is not <split>/<class>/<id>.txt, the layout of ready sequences")
        split, label, name = path.parts[-3], path.parts[-2], path.stem
        number = int(name) if name.isdigit() else -1
        rows.setdefault(split, []).append((label, number, name, data.decode("ascii", "replace").strip()))
    if not rows:
        raise BadTable(f"{archive} holds no <split>/<class>/<id>.txt; remove it and fetch again")
    folder.mkdir(parents=True, exist_ok=True)
    for split, table in rows.items():
        lines = [f"{name}\t{sequence}\t{label}" for label, _, name, sequence in sorted(table)]
        text = "\n".join(["id\tsequence\tlabel", *lines]) + "\n"
        with atomic_write(folder / f"{split}.tsv.gz") as part:
            part.write_bytes(gzip.compress(text.encode(), mtime=0))
    return {split: len(table) for split, table in rows.items()}
