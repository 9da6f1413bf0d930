"""Check that pictures and masks have the same aspect ratio, so that they align."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from bench.broden.layout import IMAGES, by, items_of, scalar_of
from bench.errors import UserError
from bench.files import FileMemory

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broden.index import Row
    from bench.broden.tree import Broden

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""Values of the EXIF orientation tag that swap rows and columns."""


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two sizes (height, width) have the same aspect ratio, up to rounding."""
    (height, width), (other_height, other_width) = one, other
    return _rounds(width, height * other_width / other_height) or _rounds(
        height, width * other_height / other_width
    )


def _rounds(side: int, exact: float) -> bool:
    # Half a pixel of rounding; large sides may have been truncated.
    return abs(side - exact) <= max(0.5, 0.005 * exact)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return (height, width) of an open image after applying its orientation tag."""
    width, height = image.size
    if width == height:  # PNG files must be decoded to read the tag
        return height, width
    return (width, height) if image.getexif().get(_ORIENTATION) in _TURNED else (height, width)


def check_shapes(broden: Broden) -> None:
    """Check that masks, pictures and the index agree on the aspect ratio.

    Only images with a mask in a selected category are checked: labels of whole images hold for any
    shape. Sizes of files are cached.

    Raises:
        UserError: A picture, its row of the index and its masks differ in aspect ratio.
    """
    rows = [row for row in broden.rows if _has_plane(broden, row)]
    for row in rows:
        if not same_shape(row.mask_size, row.image_size):
            masks = f"its masks {by(row.mask_size)} (sh, sw)"
            raise _fault(broden, row, masks, row.image_size)
    with FileMemory("picture_sizes", "size") as memory:
        for row in rows:
            found = _size_of(broden.file(row.image), memory)
            if found is not None and not same_shape(row.image_size, found):
                raise _fault(broden, row, f"ih, iw are {by(row.image_size)}", found)


def _fault(broden: Broden, row: Row, other: str, picture: tuple[int, int]) -> UserError:
    return UserError(
        f"{IMAGES}/{row.image} has {by(picture)} pixels, but {other}: their aspect ratios "
        "differ, so masks do not align",
        where=f"{broden.index}:{row.line}",
        hint="crop or resize images and masks alike, and write the tree again (write_broden)",
    )


def _has_plane(broden: Broden, row: Row) -> bool:
    cells = (row.cells[column] for column in broden.columns)
    return any(scalar_of(item) is None for cell in cells for item in items_of(cell))


def _size_of(file: Path, memory: FileMemory) -> tuple[int, int] | None:
    """Return (height, width), upright; None if the file cannot be read."""
    try:
        state = memory.look_up(file)
        if not state.value:
            with Image.open(file) as image:
                height, width = upright_size(image)
            memory.remember(state, f"{height} {width}")
            return height, width
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    height, width = map(int, state.value.split())
    return height, width
