"""A content-addressed store of arrays in chunks.

The name of an entry is the sha256 of everything that decides its content. The name of a chunk's
file holds the sha256 of its bytes, so that chunks of an interrupted run can be checked. The
manifest is written last: an entry without one is not complete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.evidence import memory
from bench.evidence.entry import Entry
from bench.files import is_refusal
from bench.leases import Lease
from bench.locks import LOCKS, acquire
from leaderboards.hashing import sha256_json

__all__ = ["CHUNK", "LAYOUT", "Entry", "Store", "chunks_of_share", "first_unknown"]

log = logging.getLogger(__name__)

CHUNK = 1024
"""Rows (images, texts) in a chunk: what an interruption costs at most."""

LAYOUT = 1
"""Part of every key; increase when older entries can no longer be read."""


def chunks_of_share(n: int, share: tuple[int, int]) -> range:
    """Return the numbers of the chunks of `n` rows in a share (number from 1, of how many)."""
    count, (number, of) = -(-n // CHUNK), share
    return range(count * (number - 1) // of, count * number // of)


class Store:
    """A cache folder with entries by the content of their keys.

    Entries opened with `hold` are in use, and not pruned, as long as the store or the entry is
    referenced. Where the folder cannot be written to, complete entries are read from it and new
    ones stay in this process's memory.

    Args:
        root: The folder, made when first written to; None to keep everything in memory.

    Attributes:
        root: The folder.
        read_only: Whether writing to the folder has failed.
    """

    def __init__(self, root: str | Path | None) -> None:
        self.root = None if root is None else Path(root).expanduser()
        self.read_only = False
        self._lease: Lease | None = None

    @contextmanager
    def hold(self, *keys: Mapping[str, Any], share: str = "") -> Iterator[list[Entry]]:
        """Open entries, and lock those that are not complete against other processes.

        Release the lock of complete entries: they are only read, and open entries are not pruned.

        Args:
            keys: The parts of each entry's key, as for `entry`.
            share: Name of the share of the chunks that is going to be made, such as "2-of-8"; ""
                for all. Processes with different shares work side by side; a process without a
                share waits for all of them.

        Yields:
            The entries, in the order of the keys.

        Raises:
            UserError: The store's folder cannot be used.
        """
        names = [self._folder(parts).name if self._is_cached(parts) else "" for parts in keys]
        cached = {name: parts for name, parts in zip(names, keys, strict=True) if name}
        opened: dict[str, Entry] = {}
        with ExitStack() as locks:
            for name in sorted(cached):  # the same order in all processes, against deadlocks
                with ExitStack() as own:
                    self._lock(name, own, share)
                    if not self.read_only and not share:
                        _delete_partial_files(self._folder(cached[name]))
                    opened[name] = self.entry(cached[name])
                    if not opened[name].complete:
                        locks.enter_context(own.pop_all())
            yield [opened[n] if n else self.entry(p) for n, p in zip(names, keys, strict=True)]

    def entry(self, parts: Mapping[str, Any]) -> Entry:
        """Open the entry of a key; it may be complete, begun or empty.

        Args:
            parts: Everything that decides the content: {kind, n, ...}, with `rows` where a chunk
                does not have `CHUNK` rows. Where one of them, at any depth, is None or "unknown",
                the entry is kept in memory and not found again.

        Raises:
            UserError: The store's folder cannot be used.
        """
        whole = {**parts, "layout": LAYOUT}
        rows = int(parts.get("rows", CHUNK))
        if not self._is_cached(parts):
            return Entry(whole, None, "", rows)
        self._check_root()
        folder = self._folder(parts)
        known: Entry | None = memory.recall(folder)
        writable = not self.read_only
        return known or Entry(
            whole, folder, folder.name, rows, writable=writable, lease=self._lease
        )

    def _folder(self, parts: Mapping[str, Any]) -> Path:
        assert self.root is not None
        key = sha256_json({**parts, "layout": LAYOUT})
        return self.root / str(parts["kind"]) / key[:2] / key

    def _is_cached(self, parts: Mapping[str, Any]) -> bool:
        unknown = first_unknown(parts)
        if unknown:
            log.info("not cached: %s is unknown in the key of %s", unknown, parts.get("kind"))
        return self.root is not None and not unknown

    def _lock(self, name: str, locks: ExitStack, share: str) -> None:
        """Lock an entry and note that it is in use; do neither in a read-only folder."""
        self._check_root()
        if self.read_only:
            return
        assert self.root is not None
        folder = self.root / LOCKS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if share:
                acquire(folder / f"{name}.{share}.lock", locks)
            else:
                acquire(folder / f"{name}.lock", locks)
                for file in sorted(folder.glob(f"{name}.*-of-*.lock")):
                    acquire(file, locks)
            self._lease = self._lease or Lease(self.root)
            self._lease.add(name)
        except OSError as error:
            if not is_refusal(error):
                raise self._unusable(error) from error
            self.read_only = True
            memory.warn_once(self.root, error)

    def _check_root(self) -> None:
        assert self.root is not None
        with suppress(PermissionError):  # then nothing is found in it, which is no fault
            if self.root.exists() and not self.root.is_dir():
                raise self._unusable(NotADirectoryError(0, "it is not a folder"))

    def _unusable(self, error: OSError) -> UserError:
        return UserError(
            f"the cache folder {self.root} cannot be used: {error.strerror}",
            where="runtime.cache",
            hint="set runtime.cache to a folder that you may write to",
        )


def first_unknown(parts: Any, path: str = "") -> str:
    """Return the path of the first part that is None or "unknown"; "" where all are known."""
    if parts is None or parts == "unknown":
        return path or "it"
    if isinstance(parts, Mapping):
        inside = [first_unknown(v, f"{path}.{k}".lstrip(".")) for k, v in parts.items()]
    elif isinstance(parts, list | tuple):
        inside = [first_unknown(v, f"{path}[{i}]") for i, v in enumerate(parts)]
    else:
        return ""
    return next(filter(None, inside), "")


def _delete_partial_files(folder: Path) -> None:
    """Delete the partial files of a killed process, while the entry's lock is held."""
    with suppress(OSError):
        for file in folder.glob(".*.tmp"):
            file.unlink(missing_ok=True)
