"""What a path stands for and this machine does not have; looks at names alone."""

from __future__ import annotations

from bench.errors import UserError
from bench.parts import Lack
from bench.paths import entry_of, how_to_get, user_path

HUB = "a run with a connection gets it from the Hugging Face hub"


def path_lacks(path: str, *, folder: bool = False) -> tuple[Lack, ...]:
    """A file or folder that a parameter names, where it is not here.

    Args:
        path: As the user wrote it; an empty one lacks nothing.
        folder: Whether it is to be a folder.
    """
    if not path:
        return ()
    try:
        place = user_path(path)
    except UserError as error:  # a name that nothing has: no command will bring it
        return (Lack(error.what, error.cure),)
    if place.is_dir() if folder else place.is_file():
        return ()
    entry = entry_of(path)
    if entry is not None:
        return (Lack(entry.summary, how_to_get(entry), entry.size or entry.about),)
    return (Lack(f"the {'folder' if folder else 'file'} {place.name}", path),)
