"""Described units of any source, and their split into training and validation.

This module imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from baselines.spatial import Exemplars


@dataclass(frozen=True, eq=False)
class ArrayExemplars:
    """Exemplars (`baselines.spatial.Exemplars`) from arrays and functions.

    Attributes:
        ids: int64 [U, K].
        activations: float32 [U, K]; NaN if unknown.
        size: Side S of images and masks.
        masks_of: Function that returns a unit's masks, bool [K, S, S].
        images_of: Function that returns images by position, uint8 [B, S, S, 3].
    """

    ids: NDArray[np.int64]
    activations: NDArray[np.float32]
    size: int
    masks_of: Callable[[int], NDArray[np.bool_]]
    images_of: Callable[[Sequence[int]], NDArray[np.uint8]]

    def masks(self, unit: int) -> NDArray[np.bool_]:
        """Return where the unit fires, bool [K, S, S]."""
        return self.masks_of(unit)

    def images(self, ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return images by position, uint8 [B, S, S, 3]."""
        return self.images_of(ids)


@dataclass(frozen=True, eq=False)
class AnnotatedUnits:
    """U units with exemplars and descriptions of what they show.

    Attributes:
        exemplars: Exemplars of all units; ids are positions among the images of the source.
        names: Origin of each unit [U]: network, images and layer, "resnet152/imagenet/layer4".
        units: Number of each unit in its layer [U].
        descriptions: Descriptions of each unit [U], at least one sentence.

    Raises:
        ValueError: The lengths differ, a unit is duplicate, or has no description.
    """

    exemplars: Exemplars
    names: tuple[str, ...]
    units: tuple[int, ...]
    descriptions: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.exemplars.ids)
        lengths = (len(self.names), len(self.units), len(self.descriptions))
        if set(lengths) - {n}:
            raise ValueError(f"exemplars of {n} units, but names, units, descriptions of {lengths}")
        if len(set(zip(self.names, self.units, strict=True))) != n:
            raise ValueError("duplicate unit: pass all its descriptions together")
        for name, unit, said in zip(self.names, self.units, self.descriptions, strict=True):
            if not said:
                raise ValueError(f"unit {unit} of {name} has no description")

    @classmethod
    def of(
        cls,
        ids: NDArray[np.int64],
        masks: NDArray[np.bool_] | NDArray[np.uint8],
        images: Callable[[Sequence[int]], NDArray[np.uint8]],
        *,
        size: int,
        names: Sequence[str],
        units: Sequence[int],
        descriptions: Sequence[Sequence[str]],
        activations: NDArray[np.float32] | None = None,
    ) -> AnnotatedUnits:
        """Build units from arrays.

        Args:
            ids: Positions of the exemplars' images, int64 [U, K], best first.
            masks: bool [U, K, S, S], or bits uint8 [U, K, ceil(S * S / 8)] of each mask, packed row
                by row by `np.packbits`. May be memory-mapped: it is read unit by unit.
            images: Function that returns images by position, uint8 [B, S, S, 3].
            size: Side S of images and masks.
            names: Origin of each unit [U].
            units: Number of each unit in its layer [U].
            descriptions: Descriptions of each unit [U].
            activations: float32 [U, K]; None if unknown.

        Raises:
            ValueError: Shapes do not match, or see the class.
        """
        u, k = ids.shape
        packed = masks.dtype == np.uint8 and masks.shape == (u, k, -(-size * size // 8))
        if not packed and masks.shape != (u, k, size, size):
            raise ValueError(
                f"masks {masks.dtype} {masks.shape} are neither [{u}, {k}, {size}, {size}] nor "
                "packed bits of that shape"
            )

        def masks_of(unit: int) -> NDArray[np.bool_]:
            return unpack_masks(masks, size, unit) if packed else np.asarray(masks[unit]) > 0

        if activations is None:
            activations = np.full((u, k), np.nan, dtype=np.float32)
        if activations.shape != ids.shape:
            raise ValueError(f"activations {activations.shape} do not match exemplars {ids.shape}")
        return cls(
            ArrayExemplars(ids, activations, size, masks_of, images),
            tuple(names),
            tuple(units),
            tuple(tuple(said) for said in descriptions),
        )


def unpack_masks(masks: NDArray[Any], size: int, unit: int) -> NDArray[np.bool_]:
    """Return a unit's masks, bool [K, S, S], from bits of all units, uint8 [U, K, S * S / 8]."""
    bits = np.unpackbits(np.asarray(masks[unit]), axis=-1, count=size * size)
    return bits.reshape(-1, size, size).astype(bool)


def split_by_unit(
    units: int | Sequence[Hashable], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split units into training and validation.

    All descriptions of a unit stay on one side, so that no sentence about a training unit is used
    for validation. (The official code splits its language model's sentences by the numbers of
    units, so descriptions of one unit are on both sides.)

    Args:
        units: Number of units; or one key for each row, equal for rows of the same unit.
        share: Share of the units for validation, in [0, 1); rounded to whole units, and at least
            one unit out of two or more if it is not 0.
        seed: Seed of the split. More rows of a unit do not change the split.

    Returns:
        Rows for training and rows for validation, int64, ascending.

    Raises:
        ValueError: `share` is outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share for validation must be in [0, 1), not {share!r}")
    keys: Sequence[Hashable] = range(units) if isinstance(units, int) else units
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    n = len(numbers)
    n_val = min(max(round(share * n), 1), n - 1) if share and n > 1 else 0
    validates = np.zeros(n, dtype=bool)
    validates[np.random.default_rng(seed).permutation(n)[:n_val]] = True
    by_row = validates[[numbers[key] for key in keys]] if n else np.zeros(0, dtype=bool)
    return np.flatnonzero(~by_row), np.flatnonzero(by_row)
