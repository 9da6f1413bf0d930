"""A folder that appears whole, and in nobody's place."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Write a folder whole or not at all; unlike `bench.files.atomic_folder`, replace nothing.

    Args:
        folder: Where it is to be; may be there only if it is empty.

    Yields:
        A temporary folder beside it; renamed to it when the block ends, removed when it raises.

    Raises:
        UserError: There is something already, or it cannot be written.
    """
    folder = folder.absolute()  # "." has no name of its own
    _refuse_content(folder)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        # A folder with content makes the renaming fail where another process was faster.
        _refuse_content(folder)
        with suppress(FileNotFoundError):
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        _refuse_content(folder)
        raise UserError(
            f"cannot write the tree: {error}", where=str(folder), hint="give another folder"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_content(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and _empty(folder))):
        raise UserError(
            f"{folder} is there already",
            where=str(folder),
            hint="give a folder that does not exist yet; nothing is overwritten",
        )


def _empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None
