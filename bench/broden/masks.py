"""The masks of a Broden tree, image by image."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from baselines.spatial import ImageMasks, MaskLabel
from bench.broden.index import unknown_label
from bench.broden.layout import IMAGES, MAX_PIXEL, by, items_of, scalar_of
from bench.broden.plane import MaskError, read_plane
from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.broden.index import Row
    from bench.broden.tree import Broden
    from bench.leases import Lease

_NONE, _UNKNOWN = -1, -2


class BrodenMasks:
    """Concept masks (`baselines.spatial.Masks`), read from a tree on demand.

    Label 0 means no label. Labels that occur in no selected category are ignored.

    Args:
        broden: The opened tree.
        lease: Keeps a tree in the cache from being pruned while the masks are referenced.

    Raises:
        UserError: The masks differ in size.
    """

    def __init__(self, broden: Broden, lease: Lease | None = None) -> None:
        self.broden = broden
        self._lease = lease
        first = broden.rows[0]
        for row in broden.rows:
            if row.mask_size != first.mask_size:
                raise UserError(
                    f"masks of {by(row.mask_size)} differ from those of line {first.line} "
                    f"({by(first.mask_size)}): all masks must have the same size",
                    where=f"{broden.index}:{row.line}",
                    hint="write an index file with masks of one size and select it "
                    "(probe.params.index=...)",
                )
        self._position = {number: place for place, number in enumerate(broden.concepts)}

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """Labels of the selected categories, sorted by primary category, then number."""
        return tuple(self.broden.concepts.values())

    @property
    def numbers(self) -> tuple[int, ...]:
        """Number of each label in label.csv."""
        return tuple(self.broden.concepts)

    @property
    def categories(self) -> tuple[str, ...]:
        """Selected categories, in the order of category.csv."""
        return self.broden.categories

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width of all masks."""
        return self.broden.rows[0].mask_size

    def __len__(self) -> int:
        return len(self.broden)

    def image(self, index: int) -> ImageMasks:
        """Read the masks of one image; safe to call from several threads.

        Planes and scalars are sorted by category, then by their order in the cell.

        Raises:
            IndexError: There is no such image.
            UserError: A mask is missing, damaged, or of another size than in the index, or contains
                a label number that is not in label.csv.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        row = self.broden.rows[index]
        planes, scalars = [], []
        for category, item in self._items(row):
            number = scalar_of(item)
            if number is None:
                planes.append(self._plane(row, category, item))
            elif number in self._position:
                scalars.append(self._position[number])
        stacked = np.stack(planes) if planes else np.empty((0, *self.mask_size), dtype=np.int32)
        return ImageMasks(stacked, tuple(scalars))

    def files(self) -> Iterator[tuple[int, str]]:
        """Yield the masks of all images in order: line in the index, path in `images/`."""
        for row in self.broden.rows:
            for _, item in self._items(row):
                if scalar_of(item) is None:
                    yield row.line, item

    def fault(self, line: int, category: str, item: str, why: str) -> UserError:
        """Return the error about a mask file, with the image's line in the index."""
        place = f"{IMAGES}/{item}" + (f" (column {category})" if category else "")
        return UserError(
            f"mask {place} {why}",
            where=f"{self.broden.index}:{line}",
            hint="unpack the tree again, or remove the mask from the index",
        )

    def _items(self, row: Row) -> Iterator[tuple[str, str]]:
        for category, column in zip(self.broden.categories, self.broden.columns, strict=True):
            for item in items_of(row.cells[column]):
                yield category, item

    def _plane(self, row: Row, category: str, item: str) -> NDArray[np.int32]:
        try:
            numbers = read_plane(self.broden.file(item), row.mask_size)
        except MaskError as error:
            raise self.fault(row.line, category, item, str(error)) from error
        positions = self._positions_by_number[numbers]
        if positions.size and positions.min() == _UNKNOWN:
            number = int(numbers[positions == _UNKNOWN][0])
            source = f"{IMAGES}/{item}"
            raise unknown_label(self.broden.index, row.line, number, category, source)
        return positions

    @cached_property
    def _positions_by_number(self) -> NDArray[np.int32]:
        """Position of each possible label number, int32 [65536]."""
        table = np.full(MAX_PIXEL + 1, _UNKNOWN, dtype=np.int32)
        table[0] = _NONE
        for number in self.broden.known:
            if number <= MAX_PIXEL:
                table[number] = self._position.get(number, _NONE)
        return table
