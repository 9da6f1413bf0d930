"""What methods that look at pixels are given: a layer's maps, and masks of concepts.

Both are gone through image by image, as often as a method needs; neither is ever held as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class Maps(Protocol):
    """The activation maps of one layer over N probe images, in their order."""

    @property
    def n_images(self) -> int:
        """N."""
        ...

    @property
    def n_units(self) -> int:
        """U."""
        ...

    @property
    def map_size(self) -> tuple[int, int]:
        """(h, w); (1, 1) for a 2-D layer, whose units are constant maps."""
        ...

    def batches(self) -> Iterator[Tensor]:
        """Go through all images once, from the first.

        Yields:
            Maps float32 [B, U, h, w] of the next B images, on the device where they are to be
            worked on. B varies; the batches' sizes add up to N. Every call gives the same values.
        """
        ...


@dataclass(frozen=True)
class MaskLabel:
    """One concept that masks mark.

    Attributes:
        name: As published, a suffix such as "-c" (colour) or "-s" (scene) included.
        category: Its primary category, one of `Masks.categories`.
    """

    name: str
    category: str


@dataclass(frozen=True)
class ImageMasks:
    """What the masks say of one image. Numbers are positions in `Masks.labels`.

    Attributes:
        planes: int32 [P, sh, sw], P >= 0: in each plane each pixel's label, -1 for none.
        scalars: Labels of the whole image (such as its scene), in the order of the source.
    """

    planes: NDArray[np.int32]
    scalars: tuple[int, ...] = ()


class Masks(Protocol):
    """Concept masks of N probe images, in their order."""

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """The C concepts, sorted by category as in `categories`, then by number in the source."""
        ...

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order of the source (Broden: of category.csv)."""
        ...

    @property
    def mask_size(self) -> tuple[int, int]:
        """(sh, sw), one for all images."""
        ...

    def __len__(self) -> int: ...

    def image(self, index: int) -> ImageMasks:
        """The masks of one image; safe to call from several threads."""
        ...
