"""A loopback server with the manners and the vices of real ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Shelf:
    """What is served, and what was asked."""

    files: dict[str, bytes] = field(default_factory=dict)  # path -> bytes
    url: str = ""
    ranges: bool = True  # False: a server that always sends the whole
    cut_at: list[float] = field(default_factory=list)  # share of the body after which the next answers break off
    failing: list[int] = field(default_factory=list)  # statuses of the next answers
    version: str = "one"  # ETag
    etags: bool = True
    stall: threading.Event | None = None  # after a cut: hold the connection open instead of closing it
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range


@contextmanager
def serve(**files: bytes) -> Iterator[Shelf]:
    """A shelf on a free port of this machine, for as long as the block lasts."""
    shelf = Shelf(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (Answer,), {"shelf": shelf}))
    server.daemon_threads = True
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shelf
    finally:
        if shelf.stall:
            shelf.stall.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Answer(BaseHTTPRequestHandler):
    shelf: Shelf

    def do_GET(self) -> None:
        shelf = self.shelf
        asked = self.headers.get("Range")
        shelf.asked.append((self.path, asked))
        if shelf.failing:
            return self.send_error(shelf.failing.pop(0))
        data = shelf.files.get(urlsplit(self.path).path.lstrip("/"))
        if data is None:
            return self.send_error(404)
        tag = f'"{shelf.version}"'
        start, wanted = 0, asked and shelf.ranges and self.headers.get("If-Range") in (None, tag)
        if wanted:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return self.send_error(416)
        body = data[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if shelf.etags:
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", formatdate(0, usegmt=True))
        self.end_headers()
        if not shelf.cut_at:
            self.wfile.write(body)
            return None
        self.wfile.write(body[: int(len(body) * shelf.cut_at.pop(0))])
        self.wfile.flush()
        if shelf.stall:
            shelf.stall.wait(30)
        self.close_connection = True
        return None

    def log_message(self, *words: Any) -> None:
        pass
