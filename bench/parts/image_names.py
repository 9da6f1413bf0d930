"""Names of images: do rows of arrays belong to the images of a probe set?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.downloads.paths import read_text
from bench.errors import UserError
from bench.parts.array_files import FORMATS, parse_array_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.parts.protocols import Probe


def find_image_names(probe: Probe) -> tuple[str, ...]:
    """Return the names of a probe set's images, in its order; none where they have no names."""
    files = getattr(probe, "files", ())
    return files if isinstance(files, tuple) else ()


def read_texts(setting: str, where: str) -> tuple[str, ...]:
    """Read a list of texts: the lines of a text file, or an array of texts (PATH or PATH::NAME).

    Raises:
        UserError: The file is missing or damaged, or a line inside is blank.
    """
    array = parse_array_file(setting, where)
    if array.path.lower().endswith(FORMATS):
        return array.open().texts()
    lines = [line.strip() for line in read_text(setting, where).rstrip("\n").split("\n")]
    if lines == [""]:
        raise UserError(f"{setting} is empty", where=where, hint="write one text per line")
    if "" in lines:
        raise UserError(
            "the line is blank, and each line stands for a row",
            where=f"{setting}:{lines.index('') + 1}",
            hint="write one text per line",
        )
    return tuple(lines)


def require_images(what: str, rows: int, names: Sequence[str], probe: Probe, where: str) -> None:
    """Refuse arrays whose rows are not the images of a probe set, in its order.

    Args:
        what: The array, for messages.
        rows: Its number of rows.
        names: Names of the rows; empty where they are unknown: then only the number is checked.
        probe: The probe set.
        where: The config key of the array.

    Raises:
        UserError: The numbers differ, or a name; names the first row that differs.
    """
    if names and len(names) != rows:
        raise UserError(
            f"{what} has {rows:,} rows, and there are {len(names):,} names of images",
            where=where,
            hint="give one name per row",
        )
    if rows != len(probe):
        raise UserError(
            f"{what} has {rows:,} rows, and the probe set has {len(probe):,} images",
            where=where,
            hint="give one row per image of the probe set, in its order",
        )
    own = find_image_names(probe)
    if not names or not own:
        return
    for row, (given, expected) in enumerate(zip(names, own, strict=True)):
        if given != expected:
            raise UserError(
                f"row {row} of {what} belongs to {given!r}, and image {row} of the probe set is "
                f"{expected!r}",
                where=where,
                hint="bring the rows into the order of the probe set; names are compared exactly",
            )
