"""Writes to disk, and errors of a full or read-only disk."""

from __future__ import annotations

import errno
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@contextmanager
def write_errors(where: Path, kept: str) -> Iterator[None]:
    """Raise a failed write as the user's error.

    Args:
        where: The file or folder.
        kept: What is kept, and how to continue.

    Raises:
        UserError: The block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise write_error(error, where, kept) from error


def write_error(error: OSError, where: Path, kept: str) -> UserError:
    """Return the user's error for a failed write; see `write_errors`."""
    what = f"cannot write: {error.strerror or error}"
    hint = "choose a writable folder with --data DIR or $DISSECTBENCH_DATA"
    if error.errno in _FULL:
        what = _FULL[error.errno]
        hint = f"free some space, or choose another disk with --data DIR; {kept}"
    return UserError(what, where=str(where), hint=hint)


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
