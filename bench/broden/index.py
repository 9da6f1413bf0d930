"""The index file: the images of a tree and their annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.broden.layout import (
    CATEGORIES,
    IMAGES,
    INDEX_COLUMNS,
    LABELS,
    items_of,
    scalar_of,
    unknown_name,
    why_no_path,
)
from bench.broden.table import read_table
from bench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broden.table import Table
    from bench.broden.vocabulary import Vocabulary


class Row(NamedTuple):
    """One image of an index.

    Attributes:
        line: Line in the file.
        image: Path inside `images/`.
        split: "train" or "val".
        image_size: Height and width of the image (ih, iw).
        mask_size: Height and width of its masks (sh, sw).
        cells: Cells of the categories in the index, unparsed, in the order of category.csv.
    """

    line: int
    image: str
    split: str
    image_size: tuple[int, int]
    mask_size: tuple[int, int]
    cells: tuple[str, ...]


class Index(NamedTuple):
    """All rows of an index file, and its categories in the order of category.csv."""

    categories: tuple[str, ...]
    rows: tuple[Row, ...]


def read_index(file: Path, vocabulary: Vocabulary) -> Index:
    """Read an index and check everything that needs no other file.

    Raises:
        UserError: The file is missing or empty, a column is missing or not a category, a size is
            not a number, a path leaves `images/`, or a label number is not in label.csv.
    """
    table = read_table(file, INDEX_COLUMNS)
    valid = vocabulary.categories
    for name in table.columns:
        if name not in INDEX_COLUMNS and name not in valid:
            what = f"column {name!r} is not a category of {CATEGORIES}"
            raise unknown_name(what, name, valid, f"{file}:1")
    categories = tuple(name for name in valid if name in table.columns)
    rows = []
    sizes: dict[str, int] = {}  # parsed once: most sizes are equal
    splits: dict[str, str] = {}
    for line, (image, split, *cells) in table.rows((*INDEX_COLUMNS, *categories)):
        numbers, marks = cells[:4], tuple(cells[4:])
        for text, column in zip(numbers, INDEX_COLUMNS[2:], strict=True):
            if text not in sizes:
                sizes[text] = table.number(int, text, column, line, least=1)
        ih, iw, sh, sw = (sizes[text] for text in numbers)
        _check_path(table, image, "image", line)
        for category, cell in zip(categories, marks, strict=True):
            for item in items_of(cell) if cell else ():
                number = scalar_of(item)
                if number is None:
                    _check_path(table, item, category, line)
                elif number and number not in vocabulary.labels:
                    raise unknown_label(file, line, number, category, file.name)
        rows.append(Row(line, image, splits.setdefault(split, split), (ih, iw), (sh, sw), marks))
    if not rows:
        raise table.fault("the index has no images", 1, "unpack or write the tree again")
    return Index(categories, tuple(rows))


def _check_path(table: Table, path: str, column: str, line: int) -> None:
    why = why_no_path(path)
    if why:
        hint = f"write paths relative to {IMAGES}/, with forward slashes"
        raise table.fault(f"{column}: invalid path {path!r} ({why})", line, hint)


def unknown_label(file: Path, line: int, number: int, category: str, source: str) -> UserError:
    """Return the error about a label number that label.csv does not have.

    Args:
        file: The index.
        line: Line of the image in the index.
        number: The unknown number.
        category: Category of the mark.
        source: File that contains the number.
    """
    return UserError(
        f"{category}: label {number} of {source} is not in {LABELS}",
        where=f"{file}:{line}",
        hint=f"add label {number} to {LABELS}, or remove it from {source}",
    )
