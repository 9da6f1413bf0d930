"""Names and rules of the layout that the reader and the writer share."""

from __future__ import annotations

import re

from metrics.formulas import clean_mask_label

INDEX = "index.csv"
LABELS = "label.csv"
CATEGORIES = "category.csv"
IMAGES = "images"

INDEX_COLUMNS = ("image", "split", "ih", "iw", "sh", "sw")
"""What an index has before its categories."""

LABEL_COLUMNS = ("number", "name", "category", "frequency", "coverage", "syns")
CATEGORY_COLUMNS = ("name", "first", "last", "count", "frequency")
CODE_COLUMNS = ("code", "number", "name", "frequency", "coverage")

LEFT_OUT = "material"
"""The category of Broden that Network Dissection leaves out unless it is asked for."""

MAX_PIXEL = 0xFFFF
"""The largest label number that a mask's two bytes (red, and 256 times green) can say."""

_CATEGORY = re.compile(r"\w[\w -]*")
_DRIVE = re.compile(r"[A-Za-z]:")


def codes_file(category: str) -> str:
    """Name of the file that lists a category's labels."""
    return f"c_{category}.csv"


def is_category(name: object) -> bool:
    """Whether a text may name a category; it becomes a part of file names."""
    fits = isinstance(name, str) and _CATEGORY.fullmatch(name) is not None
    return fits and name not in INDEX_COLUMNS


def why_no_label(name: object) -> str:
    """Why a label's name cannot be said; empty where it can."""
    if not isinstance(name, str):
        return "it is no text"
    if not clean_mask_label(name).strip():
        return "it is empty" + (", but for a suffix" if name.strip() else "")
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        return "it has a character that no text file holds"
    return ""


def why_no_path(path: str) -> str:
    """Why a path inside `images/` cannot be trusted; empty where it can.

    Args:
        path: As written in an index; forward slashes are the only separators.
    """
    if not path:
        return "it is empty"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is absolute"
    if "\\" in path:
        return "it has a backslash"
    if "\0" in path:
        return "it has a zero byte"
    # The whole text is looked at first: nearly all of Broden's paths end here.
    if ".." in path and ".." in path.split("/"):
        return f"it leaves {IMAGES}/"
    return ""


def items_of(cell: str) -> list[str]:
    """The items of a category's cell: paths of masks and label numbers, dominant first."""
    return [item for item in map(str.strip, cell.split(";")) if item]


def scalar_of(item: str) -> int | None:
    """The label number of an item that is about the whole image; None for the path of a mask."""
    if not (item.isascii() and item.isdigit()):
        return None
    return int(item[:18])  # no label has more digits; Python refuses to read thousands of them
