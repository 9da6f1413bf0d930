"""Pictures of units: their top images as tiles of shared sheets, and masks of where they fire."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MASK = 32
"""Side of a mask on a page: a layer's maps are no finer."""

COLUMNS = 12
"""Tiles in a row of a sheet, and rows in a sheet."""

_QUALITY = 72


class UnitPictures(Protocol):
    """Top images of a layer's U units, K of each, S x S pixels."""

    @property
    def source(self) -> str:
        """Identify the images: pictures of one source share them."""

    @property
    def size(self) -> int:
        """S."""

    @property
    def whole(self) -> bool:
        """Whether there are no masks, since the layer has no maps."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Positions of the images in the probe set [U, K], -1 for a dead unit."""

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position, uint8 [B, S, S, 3]."""

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where a unit fires in its images, bool [K, S, S]."""


class Sheets:
    """Sheets of images, each image once however many units and layers show it.

    Args:
        size: Side of a tile in pixels.
        name: Beginning of the names of their files.
    """

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self._name = name
        self._tiles: dict[int, int] = {}
        self._waiting: list[NDArray[np.uint8]] = []
        self._full = 0

    def add(self, pictures: UnitPictures) -> Iterator[tuple[str, bytes]]:
        """Add the images of a layer in the order of its units; yield the sheets that are full."""
        for unit in range(len(pictures.ids)):
            new = [i for i in pictures.ids[unit].tolist() if i >= 0 and i not in self._tiles]
            if not new:
                continue
            for number, image in zip(new, pictures.images(new), strict=True):
                self._tiles[number] = len(self._tiles)
                self._waiting.append(image)
            while len(self._waiting) >= COLUMNS**2:
                yield self._flush()

    def finish(self) -> Iterator[tuple[str, bytes]]:
        """Yield the last sheet, if it has any tile."""
        if self._waiting:
            yield self._flush()

    def describe(self, pictures: UnitPictures) -> dict[str, Any]:
        """Return the tiles and masks of a layer whose images were added.

        Returns:
            `tiles`: K numbers per unit, none for a dead one; `masks`: per unit K masks of
            `MASK` x `MASK` bits, row by row, in base64; "" without.
        """
        units = range(len(pictures.ids))
        return {
            "sheets": self._name,
            "columns": COLUMNS,
            "size": self.size,
            "mask": MASK,
            "tiles": [
                [self._tiles[number] for number in pictures.ids[unit].tolist() if number >= 0]
                for unit in units
            ],
            "masks": ["" if pictures.whole else _pack(pictures.masks(unit)) for unit in units],
        }

    def _flush(self) -> tuple[str, bytes]:
        """Return the file of the first waiting tiles."""
        from PIL import Image

        tiles, self._waiting = self._waiting[: COLUMNS**2], self._waiting[COLUMNS**2 :]
        rows = -(-len(tiles) // COLUMNS)
        sheet = np.zeros((rows, COLUMNS, self.size, self.size, 3), np.uint8)
        sheet.reshape(-1, *sheet.shape[2:])[: len(tiles)] = tiles
        side = self.size
        pixels = sheet.swapaxes(1, 2).reshape(rows * side, COLUMNS * side, 3)
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, format="WEBP", quality=_QUALITY, method=4)
        self._full += 1
        return f"{self._name}-{self._full - 1}.webp", content.getvalue()


def _pack(masks: NDArray[np.bool_]) -> str:
    """Shrink masks [K, S, S] to `MASK` x `MASK` by the nearest pixel, and write their bits."""
    size = masks.shape[1]
    nearest = (np.arange(MASK) * 2 + 1) * size // (2 * MASK)
    small = masks[:, nearest[:, None], nearest]
    return b64encode(np.packbits(small.reshape(len(masks), -1), axis=1).tobytes()).decode()
