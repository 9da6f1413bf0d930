"""Claims of cells: simultaneous sweeps, on one machine or several, compute each cell once.

A claim is a file beside the record's folder, made by exclusive creation, which network disks
support where they do not support locks. It names its process, and a thread writes the time into it
as long as the process works. Another process takes it over when that process has ended, or the
file has not changed for `STALE_S` seconds of the observer's own clock: clocks need not agree.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RENEW_S = 10.0
"""Seconds between two renewals."""

STALE_S = 120.0
"""Seconds without a change after which a claim is stale; some network disks cache files for 60."""

_seen: dict[Path, tuple[str, float]] = {}
"""Claims of others: their text, and when this process first read it."""


class Claims:
    """The claims that a process holds; released at the end of a `with` block."""

    def __init__(self) -> None:
        self._held: dict[Path, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Claims:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for file, token in self._held.items():
            if _is_own(file, token):
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    def take(self, folder: Path) -> bool:
        """Claim the cell of a record's folder.

        Where no claim can be written at all, the cell counts as claimed.

        Returns:
            False if another process holds a claim that is not stale.
        """
        file = _claim_file(folder)
        if file in self._held:
            return True
        if is_held(folder):
            return False
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = file.open("x", encoding="utf-8")
        except FileExistsError:
            return not is_held(folder)  # a stale claim that cannot be removed holds nothing
        except OSError:
            return True
        token = self._held[file] = uuid.uuid4().hex
        with suppress(OSError), stream:
            stream.write(_describe(token))
        return True

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_S):
            for file, token in list(self._held.items()):
                if _is_own(file, token):
                    with suppress(OSError), file.open("r+", encoding="utf-8") as stream:
                        stream.write(_describe(token))
                        stream.truncate()


def is_held(folder: Path) -> bool:
    """Return whether a process holds a claim of a cell; remove a stale claim."""
    file = _claim_file(folder)
    text = _read(file)
    if text is None:
        _seen.pop(file, None)
        return False
    now = time.monotonic()
    if file not in _seen or _seen[file][0] != text:
        _seen[file] = (text, now)
    if now - _seen[file][1] < STALE_S and not is_gone(_parse(text)):
        return True
    _remove(file, text)
    return False


def read_worker(folder: Path) -> str:
    """Return which process works on a cell, without removing a stale claim; "" for none.

    A process of another machine works as long as the time in its claim is recent by this clock.
    """
    claim = _parse(_read(_claim_file(folder)))
    with suppress(KeyError, TypeError, ValueError):
        is_here = claim["host"] == host()
        is_old = not is_here and time.time() - float(claim["renewed"]) > STALE_S
        return "" if is_old or is_gone(claim) else name_process(claim)
    return ""


def describe_process() -> dict[str, Any]:
    """Return what identifies this process among those of all machines and times."""
    import psutil

    return {"host": host(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def name_process(process: Mapping[str, Any]) -> str:
    """Return a short name of what `describe_process` returns: "node7, process 1234"."""
    return f"{str(process['host']).partition(' ')[0]}, process {process['pid']}"


def wait_for_release(folders: Iterable[Path], poll_s: float = 1.0) -> None:
    """Wait until one of several cells is not claimed; return at once without any."""
    waiting = list(folders)
    while waiting and all(map(is_held, waiting)):
        time.sleep(poll_s)


def _claim_file(folder: Path) -> Path:
    # Hidden, so that readers of records ignore it.
    return folder.with_name(f".{folder.name}.claim")


def _describe(token: str) -> str:
    """Return the text of a claim, with the current time."""
    claim = {**describe_process(), "token": token, "renewed": f"{time.time():.3f}"}
    return json.dumps(claim) + "\n"


@cache
def host() -> str:
    """Identify the machine, its boot and the container, within which process ids are unique."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    return " ".join(parts)


def is_gone(process: Mapping[str, Any]) -> bool:
    """Return whether a process, as `describe_process` returns it, has ended.

    Return False for a process of another machine.
    """
    if process.get("host") != host():
        return False
    import psutil

    try:
        found = psutil.Process(process["pid"])
        is_other = abs(found.create_time() - process["started"]) > 1
        return bool(is_other or found.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _is_own(file: Path, token: str) -> bool:
    """Return whether a claim still belongs to this process.

    Another process may have taken it over while this one was suspended. A truncated claim, such as
    on a full disk, counts as its own.
    """
    return bool(_parse(_read(file)).get("token", token) == token)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def _parse(text: str | None) -> dict[str, Any]:
    """Return the content of a claim; {} while it is being written."""
    try:
        claim = json.loads(text or "")
    except ValueError:
        return {}
    return claim if isinstance(claim, dict) else {}


def _remove(file: Path, text: str) -> None:
    """Remove a stale claim, unless another process has just replaced it by its own."""
    aside = file.with_name(f"{file.name}.{uuid.uuid4().hex}.tmp")
    with suppress(OSError):
        file.rename(aside)
        if _read(aside) != text:
            aside.rename(file)
        else:
            aside.unlink()
