"""What could not be written to a cache folder: kept by this process, up to a size.

A folder may be read-only (a shared or mounted cache) or full. Such a run goes on; what it made is
found again by its own later steps, and by nobody else.
"""

from __future__ import annotations

import errno
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.evidence.entry import Entry

log = logging.getLogger(__name__)

LIMIT_BYTES = 1 << 30
"""Arrays beyond this are let go, least recently used first; the newest entry always stays."""

_REFUSALS = frozenset(
    {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
)

_entries: OrderedDict[Path, Entry] = OrderedDict()
_told: set[Path] = set()


def is_refusal(error: OSError) -> bool:
    """Whether a folder may not be written to, or is full; other errors are faults."""
    return error.errno in _REFUSALS


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


def remember(entry: Entry) -> None:
    """Keep a complete entry that is not, or not wholly, on disk."""
    assert entry.folder is not None
    _entries[entry.folder] = entry
    _entries.move_to_end(entry.folder)
    held = sum(each.bytes_in_memory for each in _entries.values())
    while held > LIMIT_BYTES and len(_entries) > 1:
        held -= _entries.popitem(last=False)[1].bytes_in_memory


def recall(folder: Path) -> Entry | None:
    """The entry that would lie in a folder, where this process keeps it."""
    if folder in _entries:
        _entries.move_to_end(folder)
    return _entries.get(folder)
