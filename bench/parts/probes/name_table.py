"""Tables of names of image folders, such as synsets."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from bench.downloads.paths import read_text
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("folder", "synset", "wnid", "class", "id")
_NAMES = ("name", "names", "words", "label")


def read_names(path: str, where: str) -> dict[str, str]:
    """Read the name of each folder.

    Accept tables with a header (CSV, or TSV if it contains tabs) that have a column `folder`,
    `synset`, `wnid`, `class` or `id` and a column `name`, `names`, `words` or `label`; and lists
    without a header, one folder per line: "n01440764<tab>tench, Tinca tinca", or with a comma in a
    file *.csv, or with a blank in other files.

    Args:
        path: As in the config.
        where: Its config key, for messages.

    Raises:
        UserError: The file is missing or not text, a line has no name, or a folder has two names.
    """
    lines = read_text(path, where).split("\n")
    rows = [(number, _cells(line, path)) for number, line in enumerate(lines, start=1) if line]
    columns = (0, 1)
    if rows:
        found = _header(rows[0][1])
        if found:
            columns, rows = found, rows[1:]
    names: dict[str, str] = {}
    for number, cells in rows:
        key, name = (cells[at].strip() if at < len(cells) else "" for at in columns)
        if not key or not name or key in names:
            raise UserError(
                f"{key} appears twice" if key in names else "the line does not name a folder",
                where=f"{path}:{number}",
                hint='a line reads "n01440764<tab>tench, Tinca tinca"; or write a table with the '
                "columns folder and name",
            )
        names[key] = name
    return names


def _cells(line: str, path: str) -> list[str]:
    if "\t" in line:
        return line.split("\t")
    if path.lower().endswith(".csv"):
        return next(csv.reader([line]))
    return line.split(maxsplit=1)


def _header(cells: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of key and name; None if the row is not a header."""
    words = [cell.strip().lower() for cell in cells]
    keys = [words.index(word) for word in _KEYS if word in words]
    names = [words.index(word) for word in _NAMES if word in words]
    return (keys[0], names[0]) if keys and names else None
