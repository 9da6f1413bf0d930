"""One file over HTTP: resumed where the server can, begun anew where it changed, whole or not here.

What has come lies in `NAME.part`, beside it in `NAME.part.json` the server's mark of that version
(ETag, or the date of the last change). `If-Range` with that mark makes a server send the rest only
of the same version, and everything of another.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from contextlib import suppress
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
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say: try again."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to try again without any progress."""

    attempts: int = 3
    pause_s: float = 1.0
    timeout_s: float = 30.0


class _CutError(Exception):
    """The connection failed; what came so far may be resumed."""


class _AnewError(Exception):
    """What came so far is of no use: begin at the first byte."""


def part_of(file: Path) -> Path:
    """Where a file lies until it is whole."""
    return file.with_name(f"{file.name}.part")


def download(
    url: str,
    file: Path,
    *,
    size: int | None = None,
    checked: bool = False,
    patience: Patience | None = None,
    progress: Progress = lambda received, total: None,
) -> None:
    """Fetch `url` into `file`; the bytes that an earlier call left are not fetched again.

    Args:
        url: http or https.
        file: Where it goes once it is whole; its folder is made.
        size: Bytes that it must have, where known.
        checked: A hash will be verified, so that a version may be resumed that nothing marks.
        patience: How long and how often to try.
        progress: Called with the bytes that are here and those of the whole, where known.

    Raises:
        UserError: No connection, a refusal, another size, or a disk that cannot be written to.
    """
    patience = patience or Patience()
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"{url} is no http or https address", where="URL")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk.cannot_write(error, file.parent, "nothing has come yet") from error
    part, failures, furthest = part_of(file), 0, _length(part_of(file))
    while True:
        try:
            _once(url, part, size, checked, patience, progress)
        except _AnewError:
            _forget(part)
            failures += 1
            reason = "the server does not resume it as it should"
        except _CutError as cut:
            reason = str(cut)
            failures = 0 if _length(part) > furthest else failures + 1
            furthest = max(furthest, _length(part))
        else:
            break
        if failures >= patience.attempts:
            raise _gave_up(url, part, reason)
        time.sleep(patience.pause_s * failures)
    part.replace(file)
    _mark_file(part).unlink(missing_ok=True)


def _once(
    url: str, part: Path, size: int | None, checked: bool, patience: Patience, progress: Progress
) -> None:
    """Ask once, for the rest or for all, and write what comes."""
    have, mark = _length(part), _read_mark(part)
    if have and not (mark.get("url") == url and (mark.get("validator") or checked)):
        have = 0
    if size is not None and have > size:
        raise _AnewError
    request = urllib.request.Request(url)  # noqa: S310  (the opener below speaks HTTP alone)
    request.add_header("User-Agent", f"dissectbench/{__version__}")
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
        if mark.get("validator"):
            request.add_header("If-Range", mark["validator"])
    try:
        response = _opener().open(request, timeout=patience.timeout_s)
    except urllib.error.HTTPError as error:
        raise _refused(error, url, have) from error
    except urllib.error.URLError as error:
        raise _CutError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(str(error) or type(error).__name__) from error
    with response:
        have, total = _begin(response, have, mark)
        if size is not None and total is not None and total != size:
            _forget(part)
            raise UserError(
                f"the server offers {total:,} bytes, and the published file has {size:,}",
                where=url,
                hint="the file was replaced, or this is not the file: get it elsewhere, and give "
                "it with --from FILE",
            )
        if total is not None:
            disk.require_space(part.parent, total - have)
        try:
            write_atomic(_mark_file(part), json.dumps(_mark(url, response)))
        except OSError as error:
            raise disk.cannot_write(error, part, "nothing is lost") from error
        _receive(response, part, have, total, size, progress)


def _begin(
    response: http.client.HTTPResponse, have: int, mark: dict[str, str]
) -> tuple[int, int | None]:
    """(bytes that stay, bytes of the whole) as the answer has it."""
    if response.status not in (200, 206):
        raise UserError(f"the server answers {response.status}", where=response.url)
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdigit() else None
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    tag = response.headers.get("ETag")
    # A server that does not know If-Range sends the rest of whatever it has now.
    other = bool(tag and mark.get("etag") and tag != mark["etag"])
    if not found or int(found[1]) != have or other:
        raise _AnewError
    return have, int(found[2]) if found[2] != "*" else None


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    total: int | None,
    size: int | None,
    progress: Progress,
) -> None:
    most = total if total is not None else size
    try:
        file = part.open("r+b" if have else "wb", buffering=0)
    except OSError as error:
        raise disk.cannot_write(error, part, "nothing has come yet") from error
    with file:
        file.seek(have)
        while True:
            progress(have, most)
            try:
                block = response.read(BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _CutError(str(error) or type(error).__name__) from error
            if not block:
                break
            try:
                disk.write_block(file, block)
            except OSError as error:
                kept = "what has come is kept, and the same command goes on from there"
                raise disk.cannot_write(error, part, kept) from error
            have += len(block)
            if most is not None and have > most:
                _forget(part)
                raise UserError(
                    f"more than the {most:,} bytes of the file came", where=response.url
                )
    if most is not None and have < most:
        raise _CutError(f"the connection ended after {have:,} of {most:,} bytes")


def _refused(error: urllib.error.HTTPError, url: str, have: int) -> Exception:
    """What an HTTP status above 299 means for us."""
    with error:
        if error.code == 416 and have:  # nothing behind what is here: it is whole, or another one
            return _AnewError()
        if error.code in _PASSING:
            return _CutError(f"the server answers {error.code} {error.reason}")
        return UserError(
            f"the server answers {error.code} {error.reason}",
            where=url,
            hint="it has moved, or is not there any more: get it elsewhere, and give it with "
            "--from FILE or --from URL",
        )


def _gave_up(url: str, part: Path, reason: str) -> UserError:
    kept = _length(part)
    if not kept:
        _forget(part)
    host = urlsplit(url).hostname
    return UserError(
        f"cannot fetch it from {host}: {reason}",
        where=url,
        hint=f"the same command later goes on behind the {kept:,} bytes that are here, where the "
        "server can"
        if kept
        else "check the connection, or get it elsewhere and give it with --from FILE",
    )


def _mark(url: str, response: http.client.HTTPResponse) -> dict[str, str]:
    """What tells this version of the file from another one."""
    etag = response.headers.get("ETag", "")
    # A weak tag promises no equal bytes.
    strong = etag if etag and not etag.startswith("W/") else ""
    validator = strong or response.headers.get("Last-Modified", "")
    return {"url": url, "etag": etag, "validator": validator}


def _mark_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_mark(part: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        loaded: Any = json.loads(_mark_file(part).read_text(encoding="utf-8"))
        if isinstance(loaded, dict):
            return {str(key): str(value) for key, value in loaded.items()}
    return {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _mark_file(part).unlink(missing_ok=True)


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone, and never from an encrypted address to a plain one."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise UserError(
                f"it sends us on to {newurl}, which is not followed", where=req.full_url
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Speaks HTTP and nothing else: no files, no FTP; through the system's proxies."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
