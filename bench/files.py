"""Files: written whole or not at all, and hashed only once.

The sha256 of a file is remembered across runs under its path, size and time stamps, so that
recognising finished work on a large image folder costs no second read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCK = 1 << 20

_BATCH = 256
"""What is kept back between two writes of a memory; what an interruption costs at most."""

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


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, remembered under its path, size and time stamps."""
    return sha256_files([path])[0]


def sha256_files(paths: Sequence[Path]) -> list[str]:
    """Return the sha256 of many files, in their order; see `sha256_file`."""
    with FileMemory("files", "sha256") as memory:
        return [_sha256(path, memory) for path in paths]


def printable(path: str | Path) -> str:
    r"""Return a path as printable text: bytes that are not UTF-8 become \udcff."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def cache_home() -> Path:
    """Return the user's folder of data that can be computed again.

    $DISSECTBENCH_HOME, else dissectbench/ in the system's own cache folder.
    """
    own = os.environ.get("DISSECTBENCH_HOME")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dissectbench"


@dataclass(frozen=True)
class FileState:
    """The state of a file, and the value remembered for it.

    Attributes:
        path: Its path, links resolved.
        stamp: A text that changes with its content: size and time stamps.
        changed: Time of its last change, in seconds since 1970.
        value: The value remembered for this stamp; empty for none.
    """

    path: Path
    stamp: str
    changed: float
    value: str


class FileMemory:
    """Remember a computed value of each file, by its path, size and time stamps.

    Values are in a database in the user's cache folder. Where it cannot be used, nothing is
    remembered, and no error is raised.

    Args:
        table: Name of the table, a constant.
        column: Name of its column of values, a constant.
        version: Version of the computation; values of other versions are not returned.
    """

    def __init__(self, table: str, column: str, version: str = "") -> None:
        self._database: sqlite3.Connection | None = None
        self._unwritten = 0
        self._table = table
        self._column = column
        self._version = version

    def __enter__(self) -> FileMemory:
        with suppress(OSError, sqlite3.Error, RuntimeError):  # RuntimeError: no home folder
            folder = cache_home()
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(folder / "fingerprints.sqlite", timeout=10)
            self._database.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} "
                f"(path TEXT PRIMARY KEY, stamp TEXT, {self._column} TEXT)"
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.commit()
            self._database.close()

    def look_up(self, path: Path) -> FileState:
        """Return the state of a file, with the value remembered for it.

        Raises:
            OSError: There is no such file.
        """
        path = path.resolve()
        status = path.stat()
        # The modification time alone is not enough: a copy of equal size may have the old one, but
        # never the old time of the last status change.
        stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}{self._version}"
        changed = max(status.st_mtime, status.st_ctime)
        return FileState(path, stamp, changed, self._read(printable(path), stamp))

    def remember(self, file: FileState, value: str) -> None:
        """Remember the value of a file, unless it has changed within the last seconds."""
        if time.time() - file.changed > _SETTLED_S:
            self._write(printable(file.path), file.stamp, value)

    def _read(self, path: str, stamp: str) -> str:
        if self._database is None:
            return ""
        try:
            row = self._database.execute(
                f"SELECT {self._column} FROM {self._table} "  # noqa: S608  (our own constants)
                "WHERE path = ? AND stamp = ?",
                (path, stamp),
            ).fetchone()
        except sqlite3.Error:
            return ""
        return str(row[0]) if row else ""

    def _write(self, path: str, stamp: str, value: str) -> None:
        if self._database is None:
            return
        with suppress(sqlite3.Error):
            self._database.execute(
                f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?)",  # noqa: S608
                (path, stamp, value),
            )
            self._unwritten += 1
            if self._unwritten >= _BATCH:
                self._database.commit()
                self._unwritten = 0


def _sha256(path: Path, memory: FileMemory) -> str:
    file = memory.look_up(path)
    if file.value:
        return file.value
    digest = _hash(file.path)
    memory.remember(file, digest)
    return digest


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


_REFUSALS = frozenset(
    {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
)


def is_refusal(error: OSError) -> bool:
    """Return whether a folder may not be written to, or is full; other errors are faults."""
    return error.errno in _REFUSALS


_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})

_REASONS = {
    errno.EEXIST: "a part of this path is a file",
    errno.ENOTDIR: "a part of this path is a file",
    errno.EISDIR: "it is a folder",
    errno.ENOENT: "it was deleted meanwhile",
}
"""Reasons to show in place of the system's, which are about single files of a record."""


@contextmanager
def writing(path: Path, where: str = "") -> Iterator[None]:
    """Raise `UnwritableError` in place of OSError inside the block.

    Args:
        path: The file or folder that the block writes.
        where: The option or config key that names it.

    Raises:
        UnwritableError: The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        hint = "choose another path"
        if error.errno in _FULL:
            hint = "free some space, or choose a path on another disk"
        elif error.errno == errno.ENOENT:
            hint = "run again, and keep the folder until the end"
        elif is_refusal(error):
            hint = "choose a path that you may write to"
        raise UnwritableError(
            f"{printable(path)} cannot be written: {reason}", where=where, hint=hint
        ) from error


def check_writable(folder: Path, where: str) -> None:
    """Check that a folder can be written to: make it, and a temporary file in it.

    Raises:
        UnwritableError: This is not possible.
    """
    with writing(folder, where):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass


def check_writable_file(path: Path, where: str) -> None:
    """Check that a file can be written, without changing it: make its folder, if there is none.

    Raises:
        UnwritableError: This is not possible.
    """
    if not path.exists():
        check_writable(path.parent, where)
        return
    with writing(path, where), path.open("ab"):
        pass
