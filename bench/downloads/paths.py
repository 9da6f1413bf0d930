"""Paths in configs, and text files that users write.

A path that begins with `fetched:` names a download, optionally with a path inside:
`fetched:broden1_224`, `fetched:tiny_imagenet/val/images`. A config with such paths works wherever
the user's data folder is.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bench.downloads.catalog import BY_NAME
from bench.downloads.data_folder import path_of
from bench.errors import UserError, nearest

if TYPE_CHECKING:
    from bench.downloads.entry import Download

FETCHED = "fetched:"


def user_path(path: str) -> Path:
    """Resolve a path of a config: expand `~`, and look `fetched:` up in the data folder.

    Relative paths start from the working directory.

    Raises:
        UserError: There is no download of that name, or the path leaves it.
    """
    if not path.startswith(FETCHED):
        return Path(path).expanduser()
    name, _, inside = path.removeprefix(FETCHED).partition("/")
    if name not in BY_NAME:
        raise UserError(
            f"unknown download {name!r}",
            where=path,
            valid=nearest(name, BY_NAME),
            hint="`dissectbench fetch --list` lists all",
        )
    relative = PurePosixPath(inside)
    if relative.is_absolute() or ".." in relative.parts:
        raise UserError("the path leaves the download", where=path)
    return path_of(BY_NAME[name]) / inside


def entry_of(path: str) -> Download | None:
    """Return the download that a `fetched:` path names; None for other paths and unknown names."""
    if not path.startswith(FETCHED):
        return None
    return BY_NAME.get(path.removeprefix(FETCHED).partition("/")[0])


def require_file(path: str, where: str) -> Path:
    """Return the path of an existing file.

    Args:
        path: As in the config.
        where: Its config key, for the message.

    Raises:
        UserError: There is no such file; lists similar paths, or how to fetch it.
    """
    file = user_path(path)
    if not path or not file.is_file():
        _refuse(file, path, where, "file")
    return file


def require_folder(path: str, where: str) -> Path:
    """Return the path of an existing folder; otherwise as `require_file`."""
    folder = user_path(path)
    if not path or not folder.is_dir():
        _refuse(folder, path, where, "folder")
    return folder


def similar_paths(path: Path) -> tuple[str, ...]:
    """Return existing paths in the same folder with similar names, nearest first."""
    siblings = []
    with suppress(OSError):
        siblings = [other.name for other in path.parent.iterdir()]
    return tuple(str(path.parent / name) for name in nearest(path.name, siblings))


def fetch_hint(entry: Download) -> str:
    """Return the command that fetches an entry, or says where its owners distribute it."""
    command = f"dissectbench fetch {entry.name}"
    return f"only its owners distribute it: see `{command}`" if entry.agreement else command


def _refuse(path: Path, written: str, where: str, kind: str) -> None:
    if not written:
        raise UserError(f"no {kind} is given", where=where, hint=f"give the path of a {kind}")
    entry = entry_of(written)
    if entry is not None:
        raise UserError(f"{entry.name} is not in {path}", where=where, hint=fetch_hint(entry))
    fault = f"{written} is not a {kind}" if path.exists() else f"there is no {kind} {written}"
    raise UserError(
        fault,
        where=where,
        valid=() if path.exists() else similar_paths(path),
        hint="give an existing path; relative ones start from the working directory",
    )


def read_text(path: str, where: str) -> str:
    r"""Read a text file as UTF-8, with or without a byte order mark; every line end becomes \n.

    Args:
        path: As in the config.
        where: Its config key, for the message.

    Raises:
        UserError: The file is missing, cannot be read, or is not UTF-8 text.
    """
    file = require_file(path, where)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read this file: {error.strerror}", where=f"{path}:1") from error
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
        bad, what = data.find(b"\0"), "a zero byte"
    except UnicodeDecodeError as error:
        text = ""
        bad, what = error.start, f"byte 0x{data[error.start]:02x}, which is not UTF-8"
    if bad >= 0:
        line = 1 + data.count(b"\n", 0, bad)
        raise UserError(
            f"not a text file: it contains {what}",
            where=f"{path}:{line}",
            hint="save it as plain text in UTF-8",
        )
    return text
