"""A small server that speaks as much of the Hugging Face hub's protocol as a download needs."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote

from huggingface_hub import close_session, constants

from tests.bench.downloads.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

COMMIT = "1f" * 20


@dataclass
class Hub:
    """What the server has and does.

    Attributes:
        files: Content by "owner/model/path".
        commit: Of every model.
        error: What it says (X-Error-Code) in place of every file, with a status.
        garble: Whether the bytes that it sends are not those that its ETag names.
        asked: Method and path of all requests.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    commit: str = COMMIT
    error: tuple[int, str] | None = None
    garble: bool = False
    asked: list[str] = field(default_factory=list)

    def put(self, repo: str, files: Mapping[str, bytes]) -> None:
        self.files |= {f"{repo}/{name}": content for name, content in files.items()}


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            repo, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            content = hub.files.get(f"{repo}/{name}")
            code = hub.error
            if code is None and not any(key.startswith(f"{repo}/") for key in hub.files):
                code = (404, "RepoNotFound")
            if code is None and revision not in ("main", hub.commit):
                code = (404, "RevisionNotFound")
            if code is None and content is None:
                code = (404, "EntryNotFound")
            if code is not None:
                self.send_response(code[0])
                self.send_header("X-Error-Code", code[1])
                self.send_header("X-Repo-Commit", hub.commit)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            assert content is not None
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", hub.commit)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(bytes(len(content)) if hub.garble else content)

    return Handler


@contextmanager
def serve_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[None]:
    """Have the hub's library ask this server, and keep what it gets in a folder of ours.

    The library has read its variables long ago.
    """
    with serve(handler(hub)) as hub.url:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        close_session()  # it was made with other proxies, maybe
        yield
        close_session()
