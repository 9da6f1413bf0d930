"""The entries that running processes have open, so that pruning does not delete them.

Evidence is read when a method asks for it, long after the lock of its entry was released. So each
store keeps a list of its entries' keys in the cache folder, beside a lock that it holds while
anything of it is in use. The operating system releases the lock when the process ends, however it
ends; a list whose lock is free is out of date.
"""

from __future__ import annotations

import os
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from filelock import FileLock

from bench.leftovers import delete_old
from bench.locks import is_free

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "uses"

_own: set[Path] = set()
"""Lists of this process; their locks are never tried, since some network disks lock by process."""


class Lease:
    """A list of keys in use; it ends when this object is garbage-collected.

    Args:
        root: The cache folder.

    Raises:
        OSError: The folder cannot be written to.
    """

    def __init__(self, root: Path) -> None:
        folder = root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{uuid.uuid4().hex}.keys"
        self._keys: set[str] = set()
        # Garbage is collected in any thread; a thread-local lock could not be released there.
        lock = FileLock(self._file.with_suffix(".lock"), thread_local=False)
        lock.acquire(timeout=0)
        _own.add(self._file)
        weakref.finalize(self, _end, self._file, lock, os.getpid())

    def add(self, key: str) -> None:
        """Add a key, while the lock of its entry is held.

        Raises:
            OSError: The folder cannot be written to.
        """
        if key not in self._keys:
            with self._file.open("a", encoding="ascii") as file:
                file.write(f"{key}\n")
            self._keys.add(key)


def keys_in_use(root: Path, *, clean: bool = True) -> set[str]:
    """Read the keys that running processes have open.

    Args:
        root: The cache folder.
        clean: Delete lists of processes that have ended.
    """
    keys: set[str] = set()
    for file in (root / FOLDER).glob("*.keys"):
        if file in _own or not is_free(file.with_suffix(".lock")):
            with suppress(OSError):
                keys |= set(file.read_text(encoding="ascii").split())
        elif clean:
            _delete(file)
    return keys


def delete_ended(root: Path) -> None:
    """Delete the lists of processes that have ended, and locks without a list."""
    keys_in_use(root)
    for lock in (root / FOLDER).glob("*.lock"):
        # A process that starts holds the lock before it writes its list.
        if not lock.with_suffix(".keys").exists() and lock.with_suffix(".keys") not in _own:
            delete_old(lock)


def _end(file: Path, lock: FileLock, pid: int) -> None:
    if os.getpid() != pid:  # a fork's copy: the list belongs to its parent
        return
    _own.discard(file)
    _delete(file)
    with suppress(OSError):
        lock.release(force=True)


def _delete(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
        file.with_suffix(".lock").unlink(missing_ok=True)
