"""Whether what a part needs is here: names and sizes alone, no hash and no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.downloads.missing import Lack
from bench.downloads.paths import entry_of, how_to_get, neighbours, user_path
from bench.downloads.places import look, place
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.downloads.entry import Download


def lack_of(entry: Download) -> tuple[Lack, ...]:
    """What is to be fetched of a thing; empty where it is here."""
    state = look(entry, quick=True)
    if state.kind == "here":
        return ()
    # The hub's own libraries fetch by themselves; nothing else of ours does.
    automatic = entry.kind == "hub"
    size = entry.size or entry.about
    return (Lack(entry.summary, how_to_get(entry), size, automatic),)


def lack_of_path(
    path: str, what: str, where: str, hint: str = "give an existing path"
) -> tuple[Lack, ...]:
    """What is to be had before a path as a user wrote it is there; empty where it is.

    Args:
        path: A path, or `fetched:NAME/inside`; an empty one asks for nothing.
        what: What it should be, for the message: "concept file".
        where: The field that the path was given in.
        hint: What brings it, where it is nothing that can be fetched.
    """
    if not path:
        return ()
    entry = entry_of(path)
    # What was unpacked may also lie there in a form of the user's own, which its reader knows.
    if entry is not None and (entry.kind == "file" or not place(entry).exists()):
        return lack_of(entry)
    try:
        if user_path(path).exists():
            return ()
    except UserError as error:
        return (Lack(path, error.hint, where=where, near=error.valid),)
    if entry is not None:
        check = f"dissectbench fetch --check {entry.name}"
        return (Lack(f"{path}, a part of it", check, where=where),)
    return (Lack(f"the {what} {path}", hint, where=where, near=neighbours(user_path(path))),)
