"""Noisy copies of exact masks, as an annotator might draw them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation

from baselines.spatial import ImageMasks
from bench.glyphs.raster import Draw
from bench.glyphs.world import SPLITS, VARIANTS

if TYPE_CHECKING:
    from baselines.spatial import MaskLabel, Masks

_STREAM = 6
"""Random stream of a sample's mask noise; the world uses those from 0 to 5."""


@dataclass(frozen=True)
class NoisyMasks:
    """Masks (`baselines.spatial.Masks`) with two faults, a function of an image's number alone.

    A segment is the pixels of one label in one plane, or a label of the whole image. Each segment
    of pixels grows by 1 to `growth` pixels over pixels without a label; and each segment gets, with
    the probability `relabelled`, another label of its category.

    Attributes:
        exact: The exact masks of consecutive probe images of Glyphs.
        variant: One of `bench.glyphs.world.VARIANTS`.
        offset: Number of the first image.
        growth: Largest growth in pixels; 0 for none.
        relabelled: Share of segments with a wrong label.
    """

    exact: Masks
    variant: str
    offset: int
    growth: int
    relabelled: float

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """The labels of the exact masks."""
        return self.exact.labels

    @property
    def categories(self) -> tuple[str, ...]:
        """Their categories."""
        return self.exact.categories

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width of all masks."""
        return self.exact.mask_size

    def __len__(self) -> int:
        return len(self.exact)

    def image(self, index: int) -> ImageMasks:
        """Return the noisy masks of one image; safe to call from several threads.

        Raises:
            IndexError: There is no such image.
        """
        exact = self.exact.image(index)
        draw = Draw(SPLITS["probe"], VARIANTS[self.variant], self.offset + index, _STREAM)
        planes = np.full_like(exact.planes, -1)
        for plane, noisy in zip(exact.planes, planes, strict=True):
            free = plane < 0
            for label in np.unique(plane[~free]).tolist():
                segment = plane == label
                if self.growth:
                    steps = 1 + draw.below(self.growth)
                    segment = binary_dilation(segment, iterations=steps, mask=free | segment)
                noisy[segment & (noisy < 0)] = self._label(label, draw)
        return ImageMasks(planes, tuple(self._label(label, draw) for label in exact.scalars))

    def _label(self, label: int, draw: Draw) -> int:
        """Return a label, or with the set probability another one of its category."""
        first, count = self._category_ranges[self.labels[label].category]
        wrong, other = draw.chance(self.relabelled), draw.below(count - 1)
        if not wrong:
            return label
        return first + (label - first + 1 + other) % count

    @cached_property
    def _category_ranges(self) -> dict[str, tuple[int, int]]:
        """First label and number of labels of each category."""
        names = [label.category for label in self.labels]
        return {name: (names.index(name), names.count(name)) for name in self.categories}
