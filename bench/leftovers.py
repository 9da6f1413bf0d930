"""Delete what killed processes left half-written in folders of results and of the cache."""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

DAY_S = 24 * 3600.0

_NAMES = re.compile(
    r"\..+\.([0-9a-f]{32}|[a-z0-9_]{8})\.tmp"  # of atomic files and folders
    r"|\..+\.[0-9a-f]{32}\.old"  # a replaced record
    r"|\.[0-9a-f]{64}\.tmp"  # a tree of masks
    r"|\..+\.claim"  # a claim of a cell, which a running process renews
)
"""Names of temporary files and folders: hidden, most of them with a random part."""


def sweep(root: Path, older_than_s: float = DAY_S) -> int:
    """Delete temporary files and folders of killed processes.

    Keep younger ones, which may belong to a running process on any host, and skip those that cannot
    be deleted.

    Args:
        root: The folder to search, with all folders in it; may be missing.
        older_than_s: Delete only what was not changed for so many seconds.

    Returns:
        The number of deleted files and folders.
    """
    deleted = 0
    for folder, folders, files in os.walk(root):
        temporary = [name for name in folders if _NAMES.fullmatch(name)]
        folders[:] = [name for name in folders if name not in temporary]
        for name in (*temporary, *filter(_NAMES.fullmatch, files)):
            deleted += delete_old(Path(folder, name), older_than_s)
    if deleted:
        log.info("deleted %d temporary files and folders of killed runs in %s", deleted, root)
    return deleted


def delete_old(path: Path, older_than_s: float = DAY_S) -> bool:
    """Delete a file or folder that was not changed for some time; return whether it was deleted."""
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime > older_than_s:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            return True
    return False
