"""Exact masks of Glyphs without files, for a cache folder that cannot be written to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from baselines.spatial import ImageMasks, MaskLabel
from bench.glyphs.broden import CATEGORIES, MASK_SIZE, labels, marks
from bench.glyphs.world import instances_of, plan

if TYPE_CHECKING:
    from numpy.typing import NDArray


@lru_cache(maxsize=1)
def rendered_masks(variant: str, size: int, offset: int = 0) -> RenderedMasks:
    """Return the masks of consecutive images; the last ones made are remembered."""
    return RenderedMasks(variant, size, offset)


class RenderedMasks:
    """Concept masks (`baselines.spatial.Masks`), rendered when first read and kept in memory.

    Args:
        variant: One of `bench.glyphs.world.VARIANTS`.
        size: Number of images.
        offset: Number of the first image.
    """

    categories = CATEGORIES
    mask_size = MASK_SIZE

    def __init__(self, variant: str, size: int, offset: int = 0) -> None:
        self.labels = tuple(MaskLabel(label.name, label.category) for label in labels())
        self._variant, self._size, self._offset = variant, size, offset
        self._images: dict[int, tuple[NDArray[np.int16], tuple[int, ...]]] = {}

    def __len__(self) -> int:
        return self._size

    def image(self, index: int) -> ImageMasks:
        """Return the masks of one image; safe to call from several threads.

        Raises:
            IndexError: There is no such image.
        """
        if not 0 <= index < self._size:
            raise IndexError(f"image {index} of {self._size}")
        if index not in self._images:
            sketch = plan(self._offset + index, self._variant)
            shown = marks(sketch.scene_id, instances_of(sketch))
            in_order = [mark for name in CATEGORIES for mark in shown.get(name, ())]
            planes = [mark for mark in in_order if isinstance(mark, np.ndarray)]
            # The labels' numbers start at 1; 0 is no label.
            stacked = np.array(planes, dtype=np.int16).reshape(-1, *MASK_SIZE) - np.int16(1)
            scalars = tuple(int(mark) - 1 for mark in in_order if not isinstance(mark, np.ndarray))
            self._images[index] = stacked, scalars
        planes_of, scalars = self._images[index]
        return ImageMasks(planes_of.astype(np.int32), scalars)
