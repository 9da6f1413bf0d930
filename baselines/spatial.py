"""What methods that look at pixels are given: a layer's maps, masks of concepts, exemplars.

Maps and masks are gone through image by image, as often as a method needs; neither is ever held as
a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        """Return the masks of one image; safe to call from several threads."""
        ...


@dataclass(frozen=True)
class ExemplarRule:
    """Which images stand for a unit, and where in them it fires (MILAN, section 3).

    Attributes:
        top_k: Images of each unit, by the largest value of its map; all where there are fewer.
        quantile: A unit fires where its up-sampled map exceeds this quantile (Hazen's) of all
            values of its maps over all images.
    """

    top_k: int = 15
    quantile: float = 0.99

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ValueError(f"top_k is a number of images from 1, not {self.top_k!r}")
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile lies in (0, 1), not {self.quantile!r}")


class Exemplars(Protocol):
    """The images that each of the U units of a layer responds to most, K of them, and masks.

    Images are square RGB of the part that the target sees, S pixels wide. A dead unit has none.
    """

    @property
    def ids(self) -> NDArray[np.int64]:
        """Positions in the probe set, int64 [U, K], best first (ties: the first); -1 if dead."""
        ...

    @property
    def activations(self) -> NDArray[np.float32]:
        """Largest value of the unit's map in these images, float32 [U, K]; NaN if dead."""
        ...

    @property
    def size(self) -> int:
        """S."""
        ...

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where the unit fires, bool [K, S, S].

        All True for a layer without maps, all False for a dead unit. A mask may be empty: levels
        are taken from raw values, maps fade towards the borders.
        """
        ...

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position in the probe set, uint8 [B, S, S, 3]."""
        ...
