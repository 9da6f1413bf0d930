"""Writing, and what to say when the disk is full."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from io import RawIOBase
    from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def write_block(file: RawIOBase, block: bytes) -> None:
    """Write all of a block to an unbuffered file, so that a full disk shows here and not later.

    Raises:
        OSError: As the system says.
    """
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]


def cannot_write(error: OSError, where: Path, kept: str) -> UserError:
    """The user's error for a failed write.

    Args:
        error: What the system said.
        where: The file or folder.
        kept: What of the work stays, and how it goes on.
    """
    if error.errno in _FULL:
        return UserError(
            "the disk is full" if error.errno == errno.ENOSPC else "the disk quota is used up",
            where=str(where),
            hint=f"free some space, or choose another disk with --data DIR; {kept}",
        )
    return UserError(
        f"cannot write: {error.strerror or error}",
        where=str(where),
        hint="choose a folder that you may write to with --data DIR, or $DISSECTBENCH_DATA",
    )


def require_space(folder: Path, needed: int) -> None:
    """Refuse what will not fit, before anything is fetched.

    Raises:
        UserError: Less than `needed` bytes are free where the folder is.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < needed:
        raise UserError(
            f"{needed:,} bytes are needed and {free:,} are free",
            where=str(folder),
            hint="free some space, or choose another disk with --data DIR",
        )
