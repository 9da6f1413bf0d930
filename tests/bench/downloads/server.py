"""A small HTTP server that behaves well or badly, as a test asks."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench.downloads.entry import Download

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def serve(answers: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of this machine's own for the length of a block; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that go away
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Site:
    """What the server has and does; tests change it between requests.

    Attributes:
        files: Content by path.
        cut_after: Bytes of a body after which the connection breaks; once for each entry.
        ranges: Whether it knows Range; and `if_range`, whether it looks at If-Range.
        etag: Of every file.
        status: What it answers in place of the file; once for each entry.
        length: Whether it says how much it sends.
        redirect: Where it sends everyone who asks for another path.
        asked: The headers of all requests, with their path.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    if_range: bool = True
    etag: str = '"one"'
    length: bool = True
    status: list[int] = field(default_factory=list)
    redirect: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def ranges_asked(self) -> list[str]:
        return [headers.get("range", "") for headers in self.asked]


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append({"path": self.path, **headers})
            if site.redirect and self.path != site.redirect:
                self.send_response(302)
                self.send_header("Location", site.redirect)
                self.end_headers()
                return
            body = site.files.get(self.path)
            status = site.status.pop(0) if site.status else (200 if body is not None else 404)
            if status >= 300 or body is None:
                self.send_error(status)
                return
            first = 0
            wanted = headers.get("range", "")
            same = not site.if_range or headers.get("if-range", site.etag) == site.etag
            if wanted and site.ranges and same:
                first = int(wanted.removeprefix("bytes=").rstrip("-"))
                if first >= len(body):
                    self.send_error(416)
                    return
                status = 206
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
            if site.length:
                self.send_header("Content-Length", str(len(body) - first))
            if site.etag:
                self.send_header("ETag", site.etag)
            self.end_headers()
            rest = body[first:]
            if site.cut_after:
                rest = rest[: site.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(rest)

    return Handler


def entry_of(site: Site, at: str = "/words.txt", **changes: object) -> Download:
    """An entry for a file of the server."""
    given: dict[str, object] = {"path": "lists/words.txt", "kind": "file", **changes}
    return Download("words", "a list", "none", url=f"{site.url}{at}", **given)  # type: ignore[arg-type]


def left_in(data: Path) -> set[str]:
    """Files in the data folder, without locks."""
    return {
        str(file.relative_to(data))
        for file in data.rglob("*")
        if file.is_file() and file.suffix != ".lock"
    }
