"""Delete the least recently used entries, so that a cache folder stays within its limit.

An entry is deleted with its lock held and only while no process has it open. Its folder is renamed
first, so that other processes see either all of it or nothing.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
import uuid
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bench.evidence.inventory import EntryInfo, entry_folders, list_entries
from bench.leases import delete_ended, keys_in_use
from bench.leftovers import delete_old, sweep
from bench.locks import LOCKS, delete_lock_file, is_free

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.evidence.store import Store

log = logging.getLogger(__name__)

GB = 10**9

_TRASH = ".trash"

_ENTRY_LOCK = re.compile(r"([0-9a-f]{64})(?:\.\d+-of-\d+)?\.lock")


@dataclass(frozen=True)
class PruneReport:
    """What pruning did, or in a dry run would do.

    Attributes:
        removed: The deleted entries, least recently used first.
        in_use: Entries that were not deleted because they are in use.
        left: Bytes of the entries that remain.
    """

    removed: tuple[EntryInfo, ...]
    in_use: tuple[EntryInfo, ...]
    left: int

    @property
    def freed(self) -> int:
        """Bytes of the deleted entries."""
        return sum(entry.size for entry in self.removed)


def keep_within(store: Store, limit_gb: float) -> None:
    """Prune a store to its limit after a job; do not fail and do not wait.

    Args:
        store: The store; entries that it has open are not deleted.
        limit_gb: The limit in units of 10^9 bytes; 0 for none.
    """
    if store.root is None or store.read_only or limit_gb <= 0:
        return
    try:
        report = prune(store.root, to_bytes=int(limit_gb * GB))
    except (Timeout, OSError) as error:  # another process prunes, or the folder is read-only
        log.debug("the cache was not pruned: %s", error)
        return
    if report.removed:
        log.info(
            "cache: deleted the %d least recently used entries, %.2f GB; "
            "runtime.cache_limit_gb is %g",
            len(report.removed),
            report.freed / GB,
            limit_gb,
        )


def prune(
    root: Path,
    *,
    to_bytes: int | None = None,
    older_than_s: float | None = None,
    dry_run: bool = False,
) -> PruneReport:
    """Delete entries, least recently used first, except those that a process holds or has open.

    Args:
        root: The cache folder.
        to_bytes: Delete until no more than this is left; 0 deletes everything.
        older_than_s: Delete entries that were not used for so many seconds.
        dry_run: Only report what would be deleted.

    Raises:
        Timeout: Another process is pruning this folder.
        OSError: The folder cannot be written to.
    """
    with _prune_lock(root, dry_run=dry_run):
        if not dry_run:
            shutil.rmtree(root / _TRASH, ignore_errors=True)  # from a killed process
        entries = list_entries(root)
        left = sum(entry.size for entry in entries)
        now = time.time()
        removed, in_use = [], []
        for entry in entries:
            too_old = older_than_s is not None and now - entry.used > older_than_s
            too_much = to_bytes is not None and (left > to_bytes or to_bytes == 0)
            if not (too_old or too_much):
                continue
            if _is_deletable(root, entry) if dry_run else _delete(root, entry):
                removed.append(entry)
                left -= entry.size
            else:
                in_use.append(entry)
        if not dry_run:
            _delete_idle_locks(root)
    return PruneReport(tuple(removed), tuple(in_use), left)


def delete_leftovers(root: Path) -> None:
    """Delete what killed processes left in a cache folder: partial files, lists of used entries."""
    sweep(root)
    delete_ended(root)
    for tree in (root / "trees").glob("glyphs-*"):  # of earlier releases, which counted no trees
        delete_old(tree)


def _prune_lock(root: Path, *, dry_run: bool) -> AbstractContextManager[Any]:
    """Lock the folder against other prunings: two together would delete too much."""
    if dry_run:
        return nullcontext()
    folder = root / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / "prune.lock").acquire(timeout=0)


def _is_deletable(root: Path, entry: EntryInfo) -> bool:
    lock_file = root / LOCKS / f"{entry.key}.lock"
    return entry.key not in keys_in_use(root, clean=False) and is_free(lock_file)


def _delete(root: Path, entry: EntryInfo) -> bool:
    """Delete an entry; return False where it is in use."""
    lock_file = root / LOCKS / f"{entry.key}.lock"
    try:
        with FileLock(lock_file).acquire(timeout=0):
            # Leases are taken with this lock held: a process that comes now finds nothing.
            if entry.key in keys_in_use(root):
                return False
            trash = root / _TRASH / f"{entry.key}.{uuid.uuid4().hex}"
            trash.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):
                entry.folder.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)
            delete_lock_file(lock_file)
    except Timeout:
        return False
    return True


def _delete_idle_locks(root: Path) -> None:
    """Delete the files of locks that no process holds and whose entries do not exist."""
    keys = {folder.name for folder in entry_folders(root)}
    for file in (root / LOCKS).iterdir():
        match = _ENTRY_LOCK.fullmatch(file.name)
        if match and match[1] not in keys:
            with suppress(Timeout, OSError), FileLock(file).acquire(timeout=0):
                delete_lock_file(file)
