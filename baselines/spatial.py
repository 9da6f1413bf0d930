"""Interfaces of a layer's maps, concept masks, and exemplars.

Maps and masks are read image by image, as often as a method needs, and never stored as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class Maps(Protocol):
    """The activation maps of one layer over N probe images, in their order."""

    @property
    def n_images(self) -> int:
        """Number of images N."""

    @property
    def n_units(self) -> int:
        """Number of units U."""

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width (h, w); (1, 1) for a 2-D layer, whose units are constant maps."""

    def batches(self) -> Iterator[Tensor]:
        """Iterate over all images once, from the first.

        Yields:
            Maps float32 [B, U, h, w] of the next B images, on the device of further computation. B
            varies; the sizes add up to N. Every call yields the same values.
        """


@dataclass(frozen=True)
class MaskLabel:
    """One concept in masks.

    Attributes:
        name: Published name, including a suffix such as "-c" (colour) or "-s" (scene).
        category: Primary category, one of `Masks.categories`.
    """

    name: str
    category: str


@dataclass(frozen=True)
class ImageMasks:
    """Masks of one image. Numbers are positions in `Masks.labels`.

    Attributes:
        planes: Label of each pixel in each plane, -1 for none, int32 [P, sh, sw], P >= 0.
        scalars: Labels of the whole image (such as its scene), in the order of the source.
    """

    planes: NDArray[np.int32]
    scalars: tuple[int, ...] = ()


class Masks(Protocol):
    """Concept masks of N probe images, in their order."""

    @property
    def labels(self) -> tuple[MaskLabel, ...]:
        """The C concepts, sorted by category as in `categories`, then by number in the source."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories in the order of the source (Broden: of category.csv)."""

    @property
    def mask_size(self) -> tuple[int, int]:
        """Height and width (sh, sw) of all masks."""

    def __len__(self) -> int: ...

    def image(self, index: int) -> ImageMasks:
        """Return the masks of one image; safe to call from several threads."""


Order = Literal["peak", "pooled"]


@dataclass(frozen=True)
class ExemplarRule:
    """Rule for a unit's exemplars and their masks (MILAN, section 3).

    Attributes:
        top_k: Number of images of each unit, at most all.
        quantile: A unit fires where its up-sampled map exceeds this quantile (Hazen's) of all
            values of its maps over all images.
        order: Which images are best: those of the largest values of the unit's map ("peak"), or of
            the largest pooled activations ("pooled").
    """

    top_k: int = 15
    quantile: float = 0.99
    order: Order = "peak"

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise ValueError(f"order must be peak or pooled, not {self.order!r}")
        if self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k!r}")
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile must be in (0, 1), not {self.quantile!r}")


class Exemplars(Protocol):
    """The K images to which each of the U units of a layer responds most, and their masks.

    Images are square RGB crops as seen by the target, S pixels wide. A dead unit has none.
    """

    @property
    def ids(self) -> NDArray[np.int64]:
        """Positions in the probe set, int64 [U, K], best first (ties: the first); -1 if dead."""

    @property
    def activations(self) -> NDArray[np.float32]:
        """Largest value of the unit's map in these images, or its pooled activation, by the rule.

        float32 [U, K], descending; NaN if dead.
        """

    @property
    def size(self) -> int:
        """Side S of images and masks."""

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where the unit fires, bool [K, S, S].

        All True for a layer without maps, all False for a dead unit. A mask may be empty, since
        levels come from raw values and up-sampled maps fade towards the borders.
        """

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position in the probe set, uint8 [B, S, S, 3]."""
