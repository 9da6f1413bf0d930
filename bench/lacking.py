"""What is missing of the files that a part reads: looked up by name, never opened."""

from __future__ import annotations

from bench.errors import UserError
from bench.parts import Lack
from bench.paths import entry_of, how_to_get, user_path


def lacking_path(path: str, cure: str = "") -> tuple[Lack, ...]:
    """Something for a file or folder that is not there; nothing for one that is.

    Args:
        path: As the user wrote it; an empty one is no file, so nothing lacks.
        cure: What brings it; for a `fetched:` path that is known.
    """
    if not path:
        return ()
    try:
        if user_path(path).exists():
            return ()
    except UserError as error:
        return (Lack(str(error.what), error.cure),)
    entry = entry_of(path)
    if entry is None:
        return (
            Lack(f"the path {path}", cure or f"put it there, or give another path than {path}"),
        )
    return (Lack(entry.summary, how_to_get(entry), entry.size or entry.about),)
