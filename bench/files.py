"""Files: written whole or not at all, and hashed only once.

The sha256 of a file is remembered across runs under its path, size and time stamps, so that
recognising finished work on a large image folder costs no second read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20

_BATCH = 256
"""Hashes that are kept back between two writes; what an interruption costs at most."""

_UMASK = os.umask(0)  # can only be read by setting it
os.umask(_UMASK)

_SETTLED_S = 2.0
"""A file younger than this may change again within one tick of its time stamp: not remembered."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields:
        A temporary name in the same folder; renamed to `path` when the block ends, removed when
        it raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        # mkstemp makes files that only their owner reads; results are to be shared like others.
        temporary.chmod(0o666 & ~_UMASK)
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all; one that is there already is replaced.

    Yields:
        A temporary folder beside `path`; renamed to it when the block ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        temporary.chmod(0o777 & ~_UMASK)
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing; text as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def canonical_json(value: Any) -> str:
    """Serialise with sorted keys and no spaces, so that equal values are equal texts.

    Raises:
        TypeError: The value holds something that JSON cannot say; a key must not guess.
        ValueError: The value holds NaN or an infinity.
    """
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_plain,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot stand in a key: {value!r}")


def sha256_json(value: Any) -> str:
    """sha256 of the canonical JSON of a value, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, remembered under its path, size and time stamps."""
    return sha256_files([path])[0]


def sha256_files(paths: Sequence[Path]) -> list[str]:
    """As `sha256_file`, for many files at once; in their order."""
    with _Memory() as memory:
        return [memory.sha256(path) for path in paths]


def cache_home() -> Path:
    """The user's folder for what can be worked out again.

    $DISSECTBENCH_HOME, else dissectbench/ in the system's own cache folder.
    """
    own = os.environ.get("DISSECTBENCH_HOME")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dissectbench"


class _Memory:
    """What is known of files' hashes; where its own file cannot be used, everything is hashed."""

    def __init__(self) -> None:
        self._database: sqlite3.Connection | None = None
        self._unwritten = 0

    def __enter__(self) -> _Memory:
        with suppress(OSError, sqlite3.Error, RuntimeError):  # RuntimeError: no home folder
            folder = cache_home()
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(folder / "fingerprints.sqlite", timeout=10)
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT, sha256 TEXT)"
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.commit()
            self._database.close()

    def sha256(self, path: Path) -> str:
        path = path.resolve()
        status = path.stat()
        # The time of the last status change is taken as well: copying a file over another of the
        # same size may carry the old modification time along, but never that one.
        stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
        known = self._recall(str(path), stamp)
        if known:
            return known
        digest = _hash(path)
        changed = max(status.st_mtime, status.st_ctime)
        if time.time() - changed > _SETTLED_S:
            self._remember(str(path), stamp, digest)
        return digest

    def _recall(self, path: str, stamp: str) -> str:
        if self._database is None:
            return ""
        try:
            row = self._database.execute(
                "SELECT sha256 FROM files WHERE path = ? AND stamp = ?", (path, stamp)
            ).fetchone()
        except sqlite3.Error:
            return ""
        return str(row[0]) if row else ""

    def _remember(self, path: str, stamp: str, digest: str) -> None:
        if self._database is None:
            return
        with suppress(sqlite3.Error):
            self._database.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, stamp, digest)
            )
            self._unwritten += 1
            if self._unwritten >= _BATCH:
                self._database.commit()
                self._unwritten = 0


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
