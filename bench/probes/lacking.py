"""What a probe set's files lack on this machine, by names and sizes alone."""

from __future__ import annotations

from bench.parts import Lack
from bench.paths import entry_of, how_to_get, user_path


def lacking(path: str, where: str = "probe.params.path") -> tuple[Lack, ...]:
    """What is missing where a path leads to nothing; nothing where it is there.

    Args:
        path: As the user wrote it.
        where: The field that it was given in.

    Raises:
        UserError: The path asks for something that cannot be fetched, or leads out of it.
    """
    if path and user_path(path).exists():
        return ()
    entry = entry_of(path)
    if entry is None:
        return (Lack(path or "a folder of images", f"{where}=... names what is there"),)
    size = entry.size if entry.size is not None else entry.about
    return (Lack(entry.summary, how_to_get(entry), size),)
