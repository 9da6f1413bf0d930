"""A content-addressed store of arrays in chunks.

An entry's name is the sha256 of everything that decides its content. A chunk's file carries the
sha256 of its own bytes in its name, so that an interrupted run's chunks can be trusted; the
manifest is written last, and an entry without one is not complete.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench.errors import UserError
from bench.evidence import memory
from bench.evidence.entry import Entry
from bench.evidence.uses import Use
from bench.files import is_refusal, sha256_json

__all__ = ["CHUNK", "LAYOUT", "LOCKS", "Entry", "Store"]

log = logging.getLogger(__name__)

CHUNK = 1024
"""Rows (images, texts) in a chunk: the unit of cache and of interruption."""

LAYOUT = 1
"""Raised when old entries can no longer be read; part of every key."""

LOCKS = "locks"


def chunks_of_share(n: int, share: tuple[int, int]) -> range:
    """Return the numbers of the chunks of `n` rows in a share (number from 1, of how many)."""
    count, (number, of) = -(-n // CHUNK), share
    return range(count * (number - 1) // of, count * number // of)


class Store:
    """Entries by the content of their keys.

    What was opened with `hold` counts as in use, and is not pruned, until the store and the entries
    are let go. Where the folder cannot be written to, complete entries are read from it and new
    ones stay in this process's memory.

    Args:
        root: Folder of the store; made when first written to. None: everything stays in memory.

    Attributes:
        root: The folder.
        read_only: Whether the folder has refused to be written to.
    """

    def __init__(self, root: str | Path | None) -> None:
        self.root = None if root is None else Path(root).expanduser()
        self.read_only = False
        self._use: Use | None = None

    @contextmanager
    def hold(self, *keys: Mapping[str, Any], share: str = "") -> Iterator[list[Entry]]:
        """Open entries and keep other processes from them meanwhile; they wait.

        Complete entries are let go of at once: they are only read, and what is open is not pruned.

        Args:
            keys: The parts of each entry, as for `entry`.
            share: Name of a share of the chunks, such as "2-of-8", where only that share is going
                to be made. Processes with different shares work side by side; one that holds the
                entries as a whole waits for them.

        Yields:
            The entries, in the order of the keys.

        Raises:
            UserError: The store's folder cannot be used.
        """
        names = [self._folder(parts).name if self._locates(parts) else "" for parts in keys]
        located = {name: parts for name, parts in zip(names, keys, strict=True) if name}
        opened: dict[str, Entry] = {}
        with ExitStack() as locks:
            for name in sorted(located):  # one order for all processes: none waits in a circle
                with ExitStack() as own:
                    self._lock(name, own, share)
                    if not self.read_only and not share:
                        _drop_torn_files(self._folder(located[name]))
                    opened[name] = self.entry(located[name])
                    if not opened[name].complete:
                        locks.enter_context(own.pop_all())
            yield [opened[n] if n else self.entry(p) for n, p in zip(names, keys, strict=True)]

    def entry(self, parts: Mapping[str, Any]) -> Entry:
        """Open the entry of a key; it may be complete, begun or empty.

        Args:
            parts: Everything that decides the content: {kind, n, ...}, with `rows` where a chunk
                has others than `CHUNK`. Where one of them, at any depth, is None or "unknown", the
                entry is kept in memory and never found again.

        Raises:
            UserError: The store's folder cannot be used.
        """
        whole = {**parts, "layout": LAYOUT}
        rows = int(parts.get("rows", CHUNK))
        if not self._locates(parts):
            return Entry(whole, None, "", rows)
        self._check_root()
        folder = self._folder(parts)
        found: Entry | None = memory.recall(folder)
        if found is not None:
            return found
        writable = not self.read_only
        return Entry(whole, folder, folder.name, rows, writable=writable, use=self._use)

    def _folder(self, parts: Mapping[str, Any]) -> Path:
        assert self.root is not None
        key = sha256_json({**parts, "layout": LAYOUT})
        return self.root / str(parts["kind"]) / key[:2] / key

    def _locates(self, parts: Mapping[str, Any]) -> bool:
        unknown = _first_unknown(parts, "")
        if unknown:
            log.info("not cached: %s is unknown in the key of %s", unknown, parts.get("kind"))
        return self.root is not None and not unknown

    def _lock(self, name: str, locks: ExitStack, share: str) -> None:
        """Take the lock of an entry and note its use; neither in a folder that refuses."""
        self._check_root()
        if self.read_only:
            return
        assert self.root is not None
        folder = self.root / LOCKS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if share:
                _acquire(folder / f"{name}.{share}.lock", locks)
            else:
                _acquire(folder / f"{name}.lock", locks)
                for file in sorted(folder.glob(f"{name}.*-of-*.lock")):
                    _acquire(file, locks)
            self._use = self._use or Use(self.root)
            self._use.add(name)
        except OSError as error:
            if not is_refusal(error):
                raise self._unusable(error) from error
            self.read_only = True
            memory.tell(self.root, error)

    def _check_root(self) -> None:
        assert self.root is not None
        with suppress(PermissionError):  # nothing is found in it then, which is no fault
            if self.root.exists() and not self.root.is_dir():
                raise self._unusable(NotADirectoryError(0, "it is no folder"))

    def _unusable(self, error: OSError) -> UserError:
        return UserError(
            f"the cache folder {self.root} cannot be used: {error.strerror}",
            where="runtime.cache",
            hint="set runtime.cache to a folder that you may write to",
        )


def _acquire(file: Path, locks: ExitStack) -> None:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that makes the same evidence")
        lock.acquire()
    locks.callback(lock.release)


def _drop_torn_files(folder: Path) -> None:
    """Delete what a killed process had half written; to be called with the entry's lock held."""
    with suppress(OSError):
        for file in folder.glob(".*.tmp"):
            file.unlink(missing_ok=True)


def _first_unknown(value: Any, at: str) -> str:
    """Path of the first part that is None or "unknown"; empty where all are known."""
    if value is None or value == "unknown":
        return at or "it"
    if isinstance(value, Mapping):
        inside = [_first_unknown(v, f"{at}.{k}".lstrip(".")) for k, v in value.items()]
        return next((path for path in inside if path), "")
    if isinstance(value, list | tuple):
        inside = [_first_unknown(v, f"{at}[{i}]") for i, v in enumerate(value)]
        return next((path for path in inside if path), "")
    return ""
