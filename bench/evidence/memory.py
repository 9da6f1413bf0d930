"""What could not be written to a cache folder: kept by this process, up to a size.

A folder may be read-only (a shared or mounted cache) or full. Such a run goes on; what it made is
found again by its own later steps, and by nobody else.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

LIMIT_BYTES = 1 << 30
"""Arrays beyond this are let go, least recently used first; the newest entry always stays."""


class StoredInMemory(Protocol):
    """What is kept here: an entry of the store that knows its folder and its size."""

    @property
    def folder(self) -> Path | None:
        """Where it would lie."""
        ...

    @property
    def bytes_in_memory(self) -> int:
        """Bytes of its arrays."""
        ...


_entries: OrderedDict[Path, StoredInMemory] = OrderedDict()
_told: set[Path] = set()


def tell(root: Path, error: OSError) -> None:
    """Warn, once a process, that nothing new goes into a cache folder."""
    if root not in _told:
        _told.add(root)
        log.warning(
            "the cache folder %s cannot be written to (%s): what it holds is used, new evidence "
            "stays in memory",
            root,
            error.strerror or error,
        )


def remember(entry: StoredInMemory) -> None:
    """Keep a complete entry that is not, or not wholly, on disk."""
    assert entry.folder is not None
    _entries[entry.folder] = entry
    _entries.move_to_end(entry.folder)
    held = sum(each.bytes_in_memory for each in _entries.values())
    while held > LIMIT_BYTES and len(_entries) > 1:
        held -= _entries.popitem(last=False)[1].bytes_in_memory


def recall(folder: Path) -> Any:
    """Return the entry that would lie in a folder; None where this process keeps none."""
    if folder in _entries:
        _entries.move_to_end(folder)
    return _entries.get(folder)
