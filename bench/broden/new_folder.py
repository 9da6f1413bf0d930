"""Write a new folder completely or not at all."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench.errors import UnwritableError, UserError
from bench.files import writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Write a folder completely or not at all; unlike `atomic_folder`, overwrite nothing.

    Args:
        folder: The folder, missing or empty.

    Yields:
        A temporary folder beside it, renamed when the block ends, removed when it raises.

    Raises:
        UserError: The folder has content, or cannot be written.
    """
    folder = folder.absolute()  # "." has no name of its own
    _refuse_content(folder)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        with writing(folder):
            temporary.mkdir(parents=True)
            yield temporary
            # Renaming fails if another process was faster and the folder has content.
            _refuse_content(folder)
            with suppress(FileNotFoundError):
                folder.rmdir()
            temporary.rename(folder)
    except UnwritableError:
        _refuse_content(folder)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_content(folder: Path) -> None:
    if folder.is_symlink() or (
        folder.exists() and not (folder.is_dir() and not [*folder.iterdir()])
    ):
        raise UserError(
            f"{folder} already exists",
            where=str(folder),
            hint="name a folder that does not exist; nothing is overwritten",
        )
