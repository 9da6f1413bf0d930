"""Names and rules of the layout, shared by the reader and the writer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.errors import UserError, nearest
from metrics.formulas import clean_mask_label

if TYPE_CHECKING:
    from collections.abc import Collection

INDEX = "index.csv"
LABELS = "label.csv"
CATEGORIES = "category.csv"
IMAGES = "images"

INDEX_COLUMNS = ("image", "split", "ih", "iw", "sh", "sw")
"""Columns of an index before its categories."""

LABEL_COLUMNS = ("number", "name", "category", "frequency", "coverage", "syns")
CATEGORY_COLUMNS = ("name", "first", "last", "count", "frequency")
CODE_COLUMNS = ("code", "number", "name", "frequency", "coverage")

MATERIAL = "material"
"""The category of Broden that Network Dissection excludes by default."""

MAX_PIXEL = 0xFFFF
"""Largest label number of a mask, which stores it in two bytes (red + 256 x green)."""

CATEGORY_RULE = "name each category once, with letters, digits, _, - and spaces"


def codes_file(category: str) -> str:
    """Return the name of the file that lists a category's labels."""
    return f"c_{category}.csv"


def is_category(name: object) -> bool:
    """Return whether a text is a valid category, which becomes part of file names."""
    fits = isinstance(name, str) and re.fullmatch(r"\w[\w -]*", name) is not None
    return fits and name not in INDEX_COLUMNS


def why_no_label(name: object) -> str:
    """Return why a label's name is invalid; empty if it is valid."""
    if not isinstance(name, str):
        return "not a text"
    if not clean_mask_label(name).strip():
        return "empty" + (" except for a suffix" if name.strip() else "")
    if re.search("[\0\ud800-\udfff]", name):
        return "contains a character that text files cannot store"
    return ""


def why_no_path(path: str) -> str:
    """Return why a path inside `images/` is invalid; empty if it is valid."""
    if not path:
        return "empty"
    if re.match(r"/|[A-Za-z]:", path):
        return "absolute"
    if "\\" in path:
        return "contains a backslash"
    if "\0" in path:
        return "contains a zero byte"
    # Fast check first, which decides nearly all of Broden's paths.
    if ".." in path and ".." in path.split("/"):
        return f"leaves {IMAGES}/"
    return ""


def items_of(cell: str) -> list[str]:
    """Return the items of a category's cell: paths of masks and label numbers, dominant first."""
    return [item for item in map(str.strip, cell.split(";")) if item]


def scalar_of(item: str) -> int | None:
    """Return the label number of an item about the whole image; None for the path of a mask."""
    if not (item.isascii() and item.isdigit()):
        return None
    return int(item[:18])  # labels have fewer digits; Python refuses to parse thousands


def by(size: tuple[int, int]) -> str:
    """Return a size (height, width) as text."""
    return f"{size[0]} x {size[1]}"


def unknown_name(
    what: str, name: str, valid: Collection[str], where: str = "", kind: str = "categories"
) -> UserError:
    """Return the error about a name that is not among the valid ones of a kind."""
    hint = f"{kind}: {', '.join(valid)}"
    return UserError(what, where=where, valid=nearest(name, valid), hint=hint)
