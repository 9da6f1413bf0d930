"""Locks between processes that share a cache folder."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

LOCKS = "locks"
"""Folder of the locks, inside the cache folder."""

log = logging.getLogger(__name__)


def acquire(file: Path, stack: ExitStack) -> None:
    """Wait for a lock, and release it when the stack is closed."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that makes the same evidence")
        lock.acquire()
    stack.callback(lock.release)


def is_free(file: Path) -> bool:
    """Return whether no process holds a lock; do not make its file."""
    if not file.exists():
        return True
    try:
        with FileLock(file).acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False


def delete_lock_file(file: Path) -> None:
    """Delete the file of a lock that this process holds."""
    # filelock (3.21 or later) notices a lock file that was deleted between its opening and its
    # locking, and starts over with a new one.
    with suppress(OSError):
        file.unlink(missing_ok=True)
