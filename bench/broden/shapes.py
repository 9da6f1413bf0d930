"""Pictures and masks of one shape: a mask is laid over the whole of its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from bench.broden.layout import IMAGES, items_of, scalar_of
from bench.errors import UserError
from bench.files import FileMemory

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broden.index import Row
    from bench.broden.tree import Broden

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""Values of the camera's orientation tag with which rows become columns."""


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (height, width) are of one shape, but for the rounding of a side."""
    (height, width), (other_height, other_width) = one, other
    return _rounds(width, height * other_width / other_height) or _rounds(
        height, width * other_height / other_width
    )


def _rounds(side: int, exact: float) -> bool:
    # Half a pixel where it was rounded; large sides may have been cut down to whole pixels.
    return abs(side - exact) <= max(0.5, 0.005 * exact)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of an opened image once the camera's orientation tag is applied."""
    width, height = image.size
    if width == height:  # a PNG would have to be decoded for its tag
        return height, width
    return (width, height) if image.getexif().get(_ORIENTATION) in _TURNED else (height, width)


def check_shapes(broden: Broden) -> None:
    """Check that masks are of their pictures' shape, and that the index knows that shape.

    Only images with a mask in a selected category are looked at: a label of a whole image holds
    whatever its shape. What each file's size is, is remembered.

    Raises:
        UserError: A picture, its row of the index and its masks are not all of one shape.
    """
    rows = [row for row in broden.rows if _has_plane(broden, row)]
    for row in rows:
        if not same_shape(row.mask_size, row.image_size):
            told = f"its masks are {_by(row.mask_size)} by sh, sw"
            raise _fault(broden, row, told, row.image_size)
    with FileMemory("picture_sizes", "size") as memory:
        for row in rows:
            found = _size_of(broden.file(row.image), memory)
            if found is not None and not same_shape(row.image_size, found):
                raise _fault(broden, row, f"it is {_by(row.image_size)} by ih, iw", found)


def _fault(broden: Broden, row: Row, told: str, picture: tuple[int, int]) -> UserError:
    return UserError(
        f"the image {IMAGES}/{row.image} is {_by(picture)} pixels, and {told}, which is another "
        "shape: the masks would not lie over the image",
        where=f"{broden.index}:{row.line}",
        hint="crop or resize images and masks alike, and write the tree again (write_broden)",
    )


def _has_plane(broden: Broden, row: Row) -> bool:
    cells = (row.cells[column] for column in broden.columns)
    return any(scalar_of(item) is None for cell in cells for item in items_of(cell))


def _size_of(file: Path, memory: FileMemory) -> tuple[int, int] | None:
    """(height, width), upright; None where the file cannot be read, which its reader will say."""
    try:
        known = memory.look(file)
        if not known.said:
            with Image.open(file) as image:
                height, width = upright_size(image)
            memory.keep(known, f"{height} {width}")
            return height, width
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    height, width = map(int, known.said.split())
    return height, width


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
