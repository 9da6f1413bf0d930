"""Tables that give folders of images (synsets, say) their names."""

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

    Understood are tables with a header (CSV, or TSV by its tabs) that has a column `folder`,
    `synset`, `wnid`, `class` or `id` and a column `name`, `names`, `words` or `label`; and lists
    without a header, a folder a line: "n01440764<tab>tench, Tinca tinca", the same with a comma in
    a file *.csv, or with a blank in any other text.

    Args:
        path: As the user wrote it.
        where: The field that it was given in, for messages.

    Raises:
        UserError: The file is missing or no text, a line gives no name, or two lines name one
            folder. Says which line.
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
            told = f"{key} stands twice" if key in names else "the line gives no folder its name"
            raise UserError(
                told,
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
    """Where key and name stand; None for a row that is no header."""
    words = [cell.strip().lower() for cell in cells]
    keys = [words.index(word) for word in _KEYS if word in words]
    names = [words.index(word) for word in _NAMES if word in words]
    return (keys[0], names[0]) if keys and names else None
