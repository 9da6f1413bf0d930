"""Paths as a user writes them, and text behind them, read with a clear word on what is wrong.

A path that begins with `fetched:` names something by what `dissectbench fetch` calls it, maybe with
a place inside: `fetched:broden1_224`, `fetched:tiny_imagenet/val/images`. So a config can say what
it needs without knowing where a user's data lie.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench.downloads.catalog import BY_NAME
from bench.downloads.places import place
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from bench.downloads.entry import Download

FETCHED = "fetched:"


def user_path(path: str) -> Path:
    """A path as a user wrote it: `~` expanded, `fetched:` looked up in the data folder.

    Relative paths start from the working directory.

    Raises:
        UserError: Nothing of that name can be fetched, or the path leaves it.
    """
    if not path.startswith(FETCHED):
        return Path(path).expanduser()
    name, _, inside = path.removeprefix(FETCHED).partition("/")
    if name not in BY_NAME:
        raise UserError(
            f"there is nothing called {name!r} to fetch",
            where=path,
            valid=nearest(name, BY_NAME),
            hint="`dissectbench fetch --list` lists all",
        )
    way = PurePosixPath(inside)
    if way.is_absolute() or ".." in way.parts:
        raise UserError("the path leads out of what was fetched", where=path)
    return place(BY_NAME[name]) / inside


def entry_of(path: str) -> Download | None:
    """What a `fetched:` path is a part of; None for any other path, or an unknown name."""
    if not path.startswith(FETCHED):
        return None
    return BY_NAME.get(path.removeprefix(FETCHED).partition("/")[0])


def require_file(path: str, where: str) -> Path:
    """Return the path of an existing file.

    Args:
        path: As the user wrote it.
        where: The field that it was given in, for the message.

    Raises:
        UserError: There is no such file; names its nearest neighbours, or how to fetch it.
    """
    file = user_path(path)
    if not path or not file.is_file():
        _refuse(file, path, where, "file")
    return file


def require_folder(path: str, where: str) -> Path:
    """Return the path of an existing folder; as `require_file` otherwise."""
    folder = user_path(path)
    if not path or not folder.is_dir():
        _refuse(folder, path, where, "folder")
    return folder


def neighbours(path: Path) -> tuple[str, ...]:
    """Paths beside one that is not there which are called nearly like it, nearest first."""
    siblings = []
    with suppress(OSError):
        siblings = [other.name for other in path.parent.iterdir()]
    return tuple(str(path.parent / name) for name in nearest(path.name, siblings))


def how_to_get(entry: Download) -> str:
    """The command that brings a thing, or where its owners hand it out."""
    if not entry.agreement:
        return f"dissectbench fetch {entry.name}"
    return f"it is handed out by its owners alone; see `dissectbench fetch {entry.name}`"


def _refuse(path: Path, written: str, where: str, kind: str) -> None:
    if not written:
        raise UserError(f"no {kind} is given", where=where, hint=f"give the path of a {kind}")
    entry = entry_of(written)
    if entry is not None:
        raise UserError(f"{entry.name} is not in {path}", where=where, hint=how_to_get(entry))
    fault = f"{written} is not a {kind}" if path.exists() else f"there is no {kind} {written}"
    raise UserError(
        fault,
        where=where,
        valid=() if path.exists() else neighbours(path),
        hint="give an existing path; relative ones start from the working directory",
    )


def read_text(path: str, where: str) -> str:
    r"""Read a text file as UTF-8, with or without a byte order mark; every line end becomes \n.

    Args:
        path: As the user wrote it.
        where: The field that it was given in, for the message.

    Raises:
        UserError: The file is missing, cannot be read, or holds bytes that are no UTF-8 text.
    """
    file = require_file(path, where)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read this file: {error.strerror}", where=f"{path}:1") from error
    try:
        text = data.decode("utf-8-sig")
        bad = text.find("\0")
        before = text[:bad] if bad >= 0 else ""
        what = "a zero byte"
    except UnicodeDecodeError as error:
        bad = error.start
        before = data[:bad].decode("utf-8", errors="replace")
        what = f"byte 0x{data[bad]:02x}, which is no UTF-8"
    if bad >= 0:
        line = len(_unix(before).split("\n"))
        raise UserError(
            f"not a text file: it holds {what}",
            where=f"{path}:{line}",
            hint="save it as plain text in UTF-8",
        )
    return _unix(text)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
