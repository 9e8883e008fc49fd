"""Our own downloads: resumed, verified, atomic. Nothing else in the project opens a connection."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolightning.benchmarks.files import existing
from genolightning.benchmarks.sources.catalogue import Source
from genolightning.errors import BadTable, ChecksumMismatch, UserError
from genolightning.paths import cache_dir, offline
from genolightning.storage.atomic import atomic_write, replace_synced, write_errors
from genolightning.storage.checksums import sha256
from genolightning.storage.text_files import open_decompressed

if TYPE_CHECKING:
    import requests

LOCK_FILE = "genolightning.lock.json"
CHUNK_BYTES = 1 << 17
TRIES = 5  # one after the other that brought less than PROGRESS_BYTES
PROGRESS_BYTES = 1 << 20
TIMEOUT_S = (15, 60)  # to connect, and between two packets
MAGIC = {".gz": b"\x1f\x8b", ".zip": b"PK", ".parquet": b"PAR1"}

Progress = Callable[[int, int | None], None]  # bytes here, bytes in all where known


class _Interrupted(Exception):
    """A try that failed and may do better again."""


def fetch(source: Source, root: Path, *, progress: Progress | None = None, pause_s: float = 1.0) -> bool:
    """Download one file below the data root, complete and verified, or not at all; False where it already exists.

    The bytes gather in `<name>.part`; a later call, in this process or another, requests the rest only, unless the
    source has changed since. They take the final name when their sha256 is the card's, or the one pinned in
    `genolightning.lock.json`; a file that neither knows is pinned there. Proxies are those of the environment.

    Raises ChecksumMismatch for other bytes (which are removed), UserError where the source does not answer, refuses,
    or `GENOLIGHTNING_OFFLINE` forbids downloads, BadTable for bytes that do not fit the file name's extension.
    """
    path = root / source.path
    expected = source.sha256 or pinned(root).get(source.path)
    with write_errors(path, "make room, or name another folder with GENOLIGHTNING_DATA=FOLDER"), _alone(path):
        if found := existing(path):
            _check_present(found, path, expected, pinned_only=source.sha256 is None)
            return False
        if offline():
            raise UserError(
                f"{source.path} is not in {root} and GENOLIGHTNING_OFFLINE forbids to fetch it; "
                "unset GENOLIGHTNING_OFFLINE, or put the file there"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        digest = _verified(source, part, expected, progress or _silent, pause_s)
        if expected is None:
            _pin(root, source, digest)
        _settle(part, path)
        return True


def pinned(root: Path) -> dict[str, str]:
    """File below the data root -> the sha256 it had when it was first fetched, from the lock file."""
    return {path: str(entry["sha256"]) for path, entry in _read_lock(root).items()}


def _read_lock(root: Path) -> dict[str, Any]:
    file = root / LOCK_FILE
    if not file.exists():
        return {}
    try:
        entries = json.loads(file.read_bytes())
        return {str(path): dict(entry) for path, entry in entries.items() if str(entry["sha256"])}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        raise BadTable(f"{file} is not the JSON that fetch writes; mend it, or remove it to pin anew") from None


def _pin(root: Path, source: Source, digest: str) -> None:
    with _alone(root / LOCK_FILE):
        entries = _read_lock(root) | {source.path: {"sha256": digest, "url": source.url}}
        with atomic_write(root / LOCK_FILE) as part:
            part.write_text(json.dumps(dict(sorted(entries.items())), indent=2) + "\n")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Admit one process at a time; the lock is in the cache folder, for the data root may belong to others."""
    from filelock import FileLock

    folder = cache_dir() / "fetch"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{new_sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.lock"):
        yield


def _check_present(found: Path, path: Path, expected: str | None, *, pinned_only: bool) -> None:
    if expected is None or (found != path and path.suffix == ".gz"):  # unpacked by its owner: other bytes, same text
        return
    digest = sha256(found)
    if found != path:
        with open_decompressed(found) as stream:
            digest = new_sha256(stream.read()).hexdigest()
    if digest != expected:
        known = f"{LOCK_FILE} pins (remove its entry there too if the source has changed)" if pinned_only else "is due"
        raise ChecksumMismatch(f"{found} has the sha256 {digest}, where {expected} {known}; remove it and fetch again")


def _verified(source: Source, part: Path, expected: str | None, progress: Progress, pause_s: float) -> str:
    """Download into the part file until its sum is right; a wrong one after a resumption is fetched anew, once."""
    while True:
        resumed = _size(part) > 0
        _download(source.url, part, progress, pause_s)
        digest = sha256(part)
        if expected is None:
            _check_kind(source, part)
        if expected in (None, digest):
            return digest
        _discard(part)
        if not resumed:
            raise ChecksumMismatch(
                f"{source.url} gave {source.path} with the sha256 {digest}, wanted {expected}; "
                "nothing was kept. Try again, or name another server with GENOLIGHTNING_MIRROR=URL"
            )


def _check_kind(source: Source, part: Path) -> None:
    magic = MAGIC.get(Path(source.path).suffix, b"")
    with open(part, "rb") as file:
        start = file.read(12)
    if not start.startswith(magic) or not start:
        _discard(part)
        raise BadTable(
            f"{source.url} gave {start!r}..., which is no {Path(source.path).suffix} file; "
            "try again, or name another server with GENOLIGHTNING_MIRROR=URL"
        )


def _download(url: str, part: Path, progress: Progress, pause_s: float) -> None:
    """Try until the part file is whole; bounded, for each try must bring a megabyte or is counted."""
    import requests

    tries = 0
    with requests.Session() as session:
        while True:
            before = _size(part)
            try:
                _try(session, url, part, progress)
                return
            except _Interrupted as error:
                tries = tries + 1 if _size(part) < before + PROGRESS_BYTES else 0
                if tries == TRIES:
                    raise UserError(
                        f"{url}: {error}, {TRIES} times; try again later (what is here already is kept), "
                        "or name another server with GENOLIGHTNING_MIRROR=URL"
                    ) from error
                time.sleep(pause_s * 2 ** max(tries - 1, 0))


def _try(session: "requests.Session", url: str, part: Path, progress: Progress) -> None:
    """Request once what is missing and append it; _Interrupted where another try may help."""
    import requests
    import urllib3

    note = _read_note(part, url)
    have = _size(part) if note else 0
    if have and have == note.get("size"):
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": note["tag"]} if note.get("tag") else {})
    try:
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            _refuse_status(url, response, part)
            if response.status_code == 206:
                _check_range(response, part, have, note)
            else:
                have = 0
                note = _write_note(part, url, response)
            _append(response, part, have, note.get("size"), progress)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        if isinstance(error, ValueError):  # no address at all
            raise UserError(f"{url} is no address that can be fetched: {error}; mend the card's sources") from error
        raise _Interrupted(_cause(error)) from error


def _refuse_status(url: str, response: "requests.Response", part: Path) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status == 416:  # the source has become shorter than what is here
        _discard(part)
    if status in (408, 416, 429) or status >= 500:
        raise _Interrupted(f"the server answered {status}")
    raise UserError(
        f"{url} cannot be had: the server answered {status}; "
        "the file may have moved: name another server with GENOLIGHTNING_MIRROR=URL"
    )


def _check_range(response: "requests.Response", part: Path, have: int, note: dict[str, Any]) -> None:
    """What comes must follow on what is here, of the same file."""
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    tag = _tag(response)
    changed = (total.isdigit() and note.get("size") not in (None, int(total))) or (
        tag and note.get("tag") and tag != note["tag"]
    )
    if changed or not span.startswith(f"{have}-"):
        _discard(part)
        raise _Interrupted("the file has changed at its source")


def _append(response: "requests.Response", part: Path, have: int, size: int | None, progress: Progress) -> None:
    with open(part, "ab" if have else "wb") as file:
        progress(have, size)
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            file.write(chunk)
            have += len(chunk)
            progress(have, size)
    if size is not None and have != size:
        if have > size:
            _discard(part)
        raise _Interrupted(f"{have} of {size} bytes came")


def _tag(response: "requests.Response") -> str:
    """What names this version of the file to the server: a strong ETag, else the time of its last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _write_note(part: Path, url: str, response: "requests.Response") -> dict[str, Any]:
    """Record next to the part file which version of which address it is a part of."""
    size = response.headers.get("Content-Length", "")
    note = {"url": url, "tag": _tag(response), "size": int(size) if size.isdigit() else None}
    part.unlink(missing_ok=True)  # first, or an old part could be taken for one of this version
    with atomic_write(_note_file(part)) as file:
        file.write_text(json.dumps(note))
    return note


def _read_note(part: Path, url: str) -> dict[str, Any]:
    """The note of a part that can be resumed; empty where it is of another address or has neither tag nor size."""
    with contextlib.suppress(OSError, ValueError):
        note = json.loads(_note_file(part).read_bytes())
        if isinstance(note, dict) and note.get("url") == url and (note.get("tag") or note.get("size")):
            return note
    return {}


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _settle(part: Path, path: Path) -> None:
    replace_synced(part, path)
    _note_file(part).unlink(missing_ok=True)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_file(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _cause(error: BaseException) -> str:
    """The innermost reason, shortened: what a library wraps round it is longer than a line."""
    while (inner := error.__cause__ or error.__context__ or getattr(error, "reason", None)) and isinstance(
        inner, BaseException
    ):
        error = inner
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160]


def _silent(done: int, size: int | None) -> None:
    pass
