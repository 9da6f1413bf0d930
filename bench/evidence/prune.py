"""Deleting what was not used for longest, so that a cache folder stays under its limit.

An entry is deleted with its lock held, after a look at what running processes have open, and by
renaming its folder away first: whoever looks it up finds all of it or nothing.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bench.evidence.inventory import Kept, entries
from bench.evidence.store import LOCKS
from bench.evidence.uses import keys_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.evidence.store import Store

log = logging.getLogger(__name__)

GB = 10**9

_TRASH = ".trash"

_ENTRY_LOCK = re.compile(r"([0-9a-f]{64})(?:\.\d+-of-\d+)?\.lock")


@dataclass(frozen=True)
class Pruned:
    """What pruning did, or in a dry run would do.

    Attributes:
        removed: The deleted entries, least recently used first; their manifests are still known.
        in_use: Entries that were due but are in use.
        left: Bytes of the entries that remain.
    """

    removed: tuple[Kept, ...]
    in_use: tuple[Kept, ...]
    left: int

    @property
    def freed(self) -> int:
        """Bytes of the deleted entries."""
        return sum(kept.size for kept in self.removed)


def keep_within(store: Store, limit_gb: float) -> None:
    """Prune a store to its limit after a job; never fails and never waits.

    Args:
        store: The store; what it has open stays.
        limit_gb: The limit in units of 10^9 bytes; 0 for none.
    """
    if store.root is None or store.read_only or limit_gb <= 0:
        return
    try:
        pruned = prune(store.root, to_bytes=int(limit_gb * GB))
    except (Timeout, OSError) as error:  # another process prunes, or the folder refuses
        log.debug("the cache was not pruned: %s", error)
        return
    if pruned.removed:
        log.info(
            "cache: %d entries that were not used for longest are deleted, %.2f GB; "
            "runtime.cache_limit_gb is %g",
            len(pruned.removed),
            pruned.freed / GB,
            limit_gb,
        )


def prune(
    root: Path,
    *,
    to_bytes: int | None = None,
    older_than_s: float | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Delete entries, least recently used first, but none that a process holds or has open.

    Args:
        root: The cache folder.
        to_bytes: Delete until no more than this is left; 0 deletes everything.
        older_than_s: Delete what was not used for so many seconds.
        dry_run: Only say what would be deleted.

    Returns:
        What was deleted.

    Raises:
        Timeout: Another process prunes this folder.
        OSError: The folder cannot be written to.
    """
    with _alone(root, dry_run=dry_run):
        if not dry_run:
            shutil.rmtree(root / _TRASH, ignore_errors=True)  # of a pruning that was killed
        found = entries(root)
        left = sum(kept.size for kept in found)
        now = time.time()
        removed, in_use = [], []
        for kept in found:
            too_old = older_than_s is not None and now - kept.used > older_than_s
            too_much = to_bytes is not None and (left > to_bytes or to_bytes == 0)
            if not (too_old or too_much):
                continue
            _ = kept.manifest  # read while it is there: the deleted are described to the user
            if _delete(root, kept, dry_run=dry_run):
                removed.append(kept)
                left -= kept.size
            else:
                in_use.append(kept)
        if not dry_run:
            _drop_idle_locks(root)
    return Pruned(tuple(removed), tuple(in_use), left)


@contextmanager
def _alone(root: Path, *, dry_run: bool) -> Iterator[None]:
    """Keep other processes from pruning meanwhile: two together would delete too much."""
    if dry_run:
        yield
        return
    folder = root / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "prune.lock").acquire(timeout=0):
        yield


def _delete(root: Path, kept: Kept, *, dry_run: bool) -> bool:
    """Delete an entry; False where it is in use."""
    lock = FileLock(root / LOCKS / f"{kept.key}.lock")
    file = root / LOCKS / f"{kept.key}.lock"
    if dry_run:
        return kept.key not in keys_in_use(root, clean=False) and _free(lock, file)
    try:
        with lock.acquire(timeout=0):
            # Uses are noted with the lock held: whoever comes now will find nothing.
            if kept.key in keys_in_use(root):
                return False
            trash = root / _TRASH / f"{kept.key}.{uuid.uuid4().hex}"
            trash.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):
                kept.folder.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)
            _unlink(file)
    except Timeout:
        return False
    return True


def _free(lock: FileLock, file: Path) -> bool:
    """Whether nobody holds a lock; makes no file."""
    if not file.exists():
        return True
    try:
        with lock.acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _drop_idle_locks(root: Path) -> None:
    """Delete lock files of entries that are not there, but none that is held."""
    present = {kept.key for kept in entries(root)}
    for file in (root / LOCKS).iterdir():
        match = _ENTRY_LOCK.fullmatch(file.name)
        if match and match[1] not in present:
            with suppress(Timeout, OSError), FileLock(file).acquire(timeout=0):
                _unlink(file)


def _unlink(file: Path) -> None:
    # With its lock held: filelock (3.21 or later) notices a lock file that was deleted between its
    # opening and its locking, and starts over with a new one.
    with suppress(OSError):
        file.unlink(missing_ok=True)
