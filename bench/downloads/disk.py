"""Writes to disk, and errors of a full or read-only disk."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from io import RawIOBase
    from pathlib import Path

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def write_block(file: RawIOBase, block: bytes) -> None:
    """Write a whole block to an unbuffered file, so that a full disk is noticed at once.

    Raises:
        OSError: The system cannot write it.
    """
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]


def write_error(error: OSError, where: Path, kept: str) -> UserError:
    """Return the user's error for a failed write.

    Args:
        error: The system's error.
        where: The file or folder.
        kept: What is kept, and how to continue.
    """
    if error.errno in _FULL:
        return UserError(
            _FULL[error.errno],
            where=str(where),
            hint=f"free some space, or choose another disk with --data DIR; {kept}",
        )
    return UserError(
        f"cannot write: {error.strerror or error}",
        where=str(where),
        hint="choose a writable folder with --data DIR or $DISSECTBENCH_DATA",
    )


def require_space(folder: Path, needed: int) -> None:
    """Check that a disk has room for a download before it starts.

    Raises:
        UserError: Less than `needed` bytes are free where the folder is.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise UserError(
            f"{needed:,} bytes are needed and {free:,} are free",
            where=str(folder),
            hint="free some space, or choose another disk with --data DIR",
        )
