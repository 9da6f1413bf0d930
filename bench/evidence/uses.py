"""What running processes have open, so that pruning leaves it alone.

Evidence is read when a method asks for it, long after the lock of its entry was let go. Each store
therefore keeps a list of its entries' keys in the cache folder, beside a lock that it holds as long
as anything of it is in use. The system lets go of that lock when the process ends, however it ends;
a list whose lock is free is out of date.
"""

from __future__ import annotations

import os
import uuid
import weakref
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

FOLDER = "uses"

_own: set[Path] = set()
"""Lists of this process: never tried for, since some network disks lock by process."""


class Use:
    """A list of keys in use; it ends with this object.

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
        # Garbage is collected in any thread, and a lock of one thread is not let go by another.
        lock = FileLock(self._file.with_suffix(".lock"), thread_local=False)
        lock.acquire(timeout=0)
        _own.add(self._file)
        weakref.finalize(self, _end, self._file, lock, os.getpid())

    def add(self, key: str) -> None:
        """Add a key; to be called with the lock of its entry held.

        Raises:
            OSError: The folder cannot be written to.
        """
        if key not in self._keys:
            with self._file.open("a", encoding="ascii") as file:
                file.write(f"{key}\n")
            self._keys.add(key)


def _end(file: Path, lock: FileLock, pid: int) -> None:
    if os.getpid() != pid:  # a fork's copy: the list is its parent's
        return
    _own.discard(file)
    with suppress(OSError):
        file.unlink(missing_ok=True)
        file.with_suffix(".lock").unlink(missing_ok=True)
    with suppress(OSError):
        lock.release(force=True)


def keys_in_use(root: Path, *, clean: bool = True) -> set[str]:
    """The keys that running processes have open.

    Args:
        root: The cache folder.
        clean: Whether lists of ended processes are deleted.
    """
    found: set[str] = set()
    for file in (root / FOLDER).glob("*.keys"):
        if file in _own or not _ended(file, clean=clean):
            with suppress(OSError):
                found |= set(file.read_text(encoding="ascii").split())
    return found


def _ended(file: Path, *, clean: bool) -> bool:
    lock = FileLock(file.with_suffix(".lock"))
    try:
        if not Path(lock.lock_file).exists():  # its process deletes the lock last
            if clean:
                file.unlink(missing_ok=True)
            return True
        with lock.acquire(timeout=0):
            if clean:
                file.unlink(missing_ok=True)
                Path(lock.lock_file).unlink(missing_ok=True)
    except (Timeout, OSError):
        return False
    return True
