"""Resumable download of one file over HTTP.

The received bytes are kept in `NAME.part`, and in `NAME.part.json` the server's validator of that
version (ETag, or the date of the last change). `If-Range` with that validator makes a server send
the rest only of the same version, and the whole of another (RFC 9110, section 13.1.5).

`urllib` is used since no client in the dependencies resumes a transfer with a validator; proxies
and certificates are the system's.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench import __version__
from bench.downloads import disk
from bench.errors import UserError
from bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[int, int | None], None]

BLOCK = 1 << 18
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the request is repeated."""
_FROM_ELSEWHERE = "get it elsewhere and give it with --from FILE"


@dataclass(frozen=True)
class RetryPolicy:
    """How often to retry without any progress, and how long to wait in between."""

    attempts: int = 3
    pause_s: float = 1.0
    timeout_s: float = 30.0


class _InterruptedError(Exception):
    """The connection failed; the next request resumes."""


class _RestartError(Exception):
    """The received bytes are useless; the next request starts at the first byte."""


@dataclass(frozen=True)
class _Part:
    """The received bytes of a file, and the version that they belong to."""

    file: Path

    @property
    def _facts(self) -> Path:
        return self.file.with_name(f"{self.file.name}.json")

    @property
    def length(self) -> int:
        return self.file.stat().st_size if self.file.is_file() else 0

    def delete(self) -> None:
        self.file.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        self.file.replace(target)
        self._facts.unlink(missing_ok=True)

    def version(self) -> dict[str, str]:
        """Return the address, ETag and validator of the received bytes; empty if unknown."""
        if not self._facts.is_file():
            return {}
        facts: dict[str, str] = json.loads(self._facts.read_text(encoding="utf-8"))
        return facts

    def write_version(self, url: str, response: http.client.HTTPResponse) -> None:
        etag = response.headers.get("ETag", "")
        strong = "" if etag.startswith("W/") else etag  # weak tags do not promise equal bytes
        validator = strong or response.headers.get("Last-Modified", "")
        facts = {"url": url, "etag": etag, "validator": validator}
        with disk.write_errors(self.file, "nothing is lost"):
            write_atomic(self._facts, json.dumps(facts))


def part_path(file: Path) -> Path:
    """Return where a file is kept until it is complete."""
    return file.with_name(f"{file.name}.part")


def download(
    url: str,
    file: Path,
    *,
    size: int | None = None,
    verified: bool = False,
    retry: RetryPolicy | None = None,
    progress: Progress = lambda received, total: None,
) -> None:
    """Download `url` to `file`, resuming an earlier call.

    Args:
        url: http or https.
        file: The target; its folder is created.
        size: Expected bytes, if known.
        verified: The caller verifies a hash, so that a part without a validator may be resumed.
        retry: How often to retry.
        progress: Called with the received bytes and the total, if known.

    Raises:
        UserError: No connection, a refusal, another size, or the disk cannot be written to.
    """
    retry = retry or RetryPolicy()
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"not an http or https address: {url}", where="URL")
    with disk.write_errors(file.parent, "nothing was downloaded yet"):
        file.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(part_path(file))
    failures, longest = 0, part.length
    while True:
        try:
            _transfer(url, part, size, verified, retry.timeout_s, progress)
        except _RestartError:
            part.delete()
            failures += 1
            reason = "the server does not resume the transfer correctly"
        except _InterruptedError as error:
            reason = str(error)
            failures = 0 if part.length > longest else failures + 1
            longest = max(longest, part.length)
        else:
            part.finish(file)
            return
        if failures >= retry.attempts:
            raise _failure(url, part, reason)
        time.sleep(retry.pause_s * failures)


def _transfer(
    url: str, part: _Part, size: int | None, verified: bool, timeout_s: float, progress: Progress
) -> None:
    """Send one request, for the rest or for the whole, and write the answer."""
    start, version = part.length, part.version()
    if version.get("url") != url or not (version.get("validator") or verified):
        start = 0
    if size is not None and start > size:
        raise _RestartError
    headers = {"User-Agent": f"dissectbench/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version.get("validator"):
            headers["If-Range"] = version["validator"]
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (http or https)
    try:
        opener = urllib.request.build_opener(_Redirects)
        with opener.open(request, timeout=timeout_s) as response:
            start, total = _read_range(response, start, version)
            if size is not None and total not in (None, size):
                part.delete()
                raise UserError(
                    f"the server offers {total:,} bytes, and the published file has {size:,}",
                    where=url,
                    hint=f"the file was replaced, or this is another one: {_FROM_ELSEWHERE}",
                )
            if total is not None:
                disk.require_space(part.file.parent, total - start)
            part.write_version(url, response)
            _write(response, part, start, size if total is None else total, progress)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error, url, resumed=bool(start)) from error
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _InterruptedError(str(reason) or type(error).__name__) from error


def _read_range(
    response: http.client.HTTPResponse, start: int, version: dict[str, str]
) -> tuple[int, int | None]:
    """Return (first byte of the answer, bytes of the whole file if known)."""
    if response.status not in (200, 206):
        raise UserError(f"the server answers {response.status}", where=response.url)
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    etag = response.headers.get("ETag")
    # A server that ignores If-Range sends the rest of its current version.
    changed = bool(etag and version.get("etag") and etag != version["etag"])
    if not match or int(match[1]) != start or changed:
        raise _RestartError
    return start, int(match[2]) if match[2] != "*" else None


def _write(
    response: http.client.HTTPResponse, part: _Part, start: int, total: int | None,
    progress: Progress,
) -> None:  # fmt: skip
    """Append the body to the part, from byte `start` on."""
    with disk.write_errors(part.file, "nothing was downloaded yet"):
        file = part.file.open("r+b" if start else "wb", buffering=0)
    received = start
    with file:
        file.seek(start)
        progress(received, total)
        while block := response.read(BLOCK):
            with disk.write_errors(part.file, "the same command resumes after the received part"):
                disk.write_block(file, block)
            received += len(block)
            if total is not None and received > total:
                part.delete()
                raise UserError(f"the server sent more than {total:,} bytes", where=response.url)
            progress(received, total)
    if total is not None and received < total:
        raise _InterruptedError(f"the connection ended after {received:,} of {total:,} bytes")


def _refusal(error: urllib.error.HTTPError, url: str, *, resumed: bool) -> Exception:
    if error.code == 416 and resumed:  # the part is complete, or longer than the file
        return _RestartError()
    reason = f"the server answers {error.code} {error.reason}"
    if error.code in _TEMPORARY:
        return _InterruptedError(reason)
    return UserError(reason, where=url, hint=f"it was moved or removed: {_FROM_ELSEWHERE}|URL")


def _failure(url: str, part: _Part, reason: str) -> UserError:
    if not part.length:
        part.delete()
    hint = f"check the connection, or {_FROM_ELSEWHERE}"
    if part.length:
        hint = f"the same command resumes after {part.length:,} bytes, if the server can"
    what = f"cannot fetch it from {urlsplit(url).hostname}: {reason}"
    return UserError(what, where=url, hint=hint)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only, and never from https to http."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise UserError(f"refused a redirect to {newurl}", where=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
