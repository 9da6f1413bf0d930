"""Entries that cannot be written to their cache folder: kept in this process's memory.

A folder may be read-only (a shared or mounted cache) or full. A run then continues, and its later
steps find what it made; other processes do not.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

LIMIT_BYTES = 1 << 30
"""Forget the least recently used entries beyond this; the newest entry always stays."""

_entries: OrderedDict[Path, tuple[Any, int]] = OrderedDict()
"""Entries and the bytes of their arrays, by the folder that they would be in."""

_warned: set[Path] = set()


def warn_once(root: Path, error: OSError) -> None:
    """Warn, once in a process, that nothing new is written to a cache folder."""
    if root not in _warned:
        _warned.add(root)
        log.warning(
            "the cache folder %s cannot be written to (%s): evidence in it is used, new evidence "
            "stays in memory",
            root,
            error.strerror or error,
        )


def remember(folder: Path, entry: Any, size: int) -> None:
    """Keep a complete entry that is not, or not completely, on disk.

    Args:
        folder: Where it would be.
        entry: The entry.
        size: Bytes of its arrays in memory.
    """
    _entries[folder] = entry, size
    _entries.move_to_end(folder)
    total = sum(size for _, size in _entries.values())
    while total > LIMIT_BYTES and len(_entries) > 1:
        total -= _entries.popitem(last=False)[1][1]


def recall(folder: Path) -> Any:
    """Return the entry that would be in a folder; None where this process keeps none."""
    if folder not in _entries:
        return None
    _entries.move_to_end(folder)
    return _entries[folder][0]
