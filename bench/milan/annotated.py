"""Described units, whatever they come from, and their split into training and validation.

This module imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from baselines.spatial import Exemplars


class AnnotatedUnits(Protocol):
    """U units with exemplars and descriptions of what they show."""

    @property
    def exemplars(self) -> Exemplars:
        """Of all U units; ids are positions in whatever holds this source's images."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Where each unit comes from, [U]: network, images and layer, "resnet152/imagenet/layer4".

        Name and number together say which unit it is.
        """
        ...

    @property
    def units(self) -> tuple[int, ...]:
        """The number of each unit in its layer, [U]."""
        ...

    @property
    def descriptions(self) -> tuple[tuple[str, ...], ...]:
        """What was said of each unit, [U], one sentence or more."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayExemplars:
    """Exemplars (`baselines.spatial.Exemplars`) from arrays and functions.

    Attributes:
        ids: int64 [U, K].
        activations: float32 [U, K]; NaN where they are not known.
        size: S.
        masks_of: A unit's masks, bool [K, S, S].
        images_of: Images by position, uint8 [B, S, S, 3].
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
class ArrayUnits:
    """Described units (`AnnotatedUnits`).

    Attributes:
        exemplars: Of all U units.
        names: Where each comes from [U].
        units: Number in its layer [U].
        descriptions: What was said of it [U].

    Raises:
        ValueError: The lengths differ, a unit is there twice, or one has no description.
    """

    exemplars: Exemplars
    names: tuple[str, ...]
    units: tuple[int, ...]
    descriptions: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.exemplars.ids)
        lengths = (len(self.names), len(self.units), len(self.descriptions))
        if set(lengths) - {n}:
            raise ValueError(f"{n} units have exemplars; names, units, descriptions: {lengths}")
        if len(set(zip(self.names, self.units, strict=True))) != n:
            raise ValueError("a unit is there twice: give all its descriptions together")
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
    ) -> ArrayUnits:
        """Put arrays together.

        Args:
            ids: Positions of the exemplars' images, int64 [U, K], best first.
            masks: bool [U, K, S, S], or bits uint8 [U, K, ceil(S * S / 8)] as `np.packbits` makes
                them of each mask, row by row. May be memory-mapped: read unit by unit.
            images: Images by position, uint8 [B, S, S, 3].
            size: S.
            names: Where each unit comes from [U].
            units: Number of each in its layer [U].
            descriptions: What was said of each [U].
            activations: float32 [U, K]; where None not known.

        Raises:
            ValueError: Shapes that do not fit each other, or as for the class.
        """
        u, k = ids.shape
        if masks.shape == (u, k, size, size):

            def masks_of(unit: int) -> NDArray[np.bool_]:
                return np.asarray(masks[unit]) > 0

        elif masks.dtype == np.uint8 and masks.shape == (u, k, -(-size * size // 8)):

            def masks_of(unit: int) -> NDArray[np.bool_]:
                bits = np.unpackbits(np.asarray(masks[unit]), axis=1, count=size * size)
                return bits.reshape(k, size, size).astype(bool)

        else:
            raise ValueError(
                f"masks {masks.dtype} {masks.shape} are neither [{u}, {k}, {size}, {size}] nor "
                f"bits of that"
            )
        if activations is None:
            activations = np.full((u, k), np.nan, dtype=np.float32)
        if activations.shape != ids.shape:
            raise ValueError(f"activations {activations.shape} of exemplars {ids.shape}")
        return cls(
            ArrayExemplars(ids, activations, size, masks_of, images),
            tuple(names),
            tuple(units),
            tuple(tuple(said) for said in descriptions),
        )


def unit_keys(annotated: AnnotatedUnits) -> list[tuple[str, int]]:
    """What tells each unit from all others, of any source, for `split_by_unit`."""
    return list(zip(annotated.names, annotated.units, strict=True))


def split_by_unit(
    units: int | Sequence[Hashable], share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split units into training and validation.

    All descriptions of a unit stay together: a sentence about a unit that was trained on would
    validate nothing. (The official code splits its language model's sentences by the numbers of
    units, so that descriptions of one unit stand on both sides.)

    Args:
        units: How many there are; or one key for each row, equal for rows of the same unit.
        share: Of the units that validate, in [0, 1); rounded to whole units, and at least one of
            two or more where it is not 0.
        seed: Equal seeds split alike. Rows added to a unit move no unit.

    Returns:
        Rows to train on and rows to validate on, int64, ascending; together all of them.

    Raises:
        ValueError: `share` lies outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share that validates lies in [0, 1), not {share!r}")
    keys: Sequence[Hashable] = range(units) if isinstance(units, int) else units
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    n = len(numbers)
    n_val = min(max(round(share * n), 1), n - 1) if share and n > 1 else 0
    validates = np.zeros(n, dtype=bool)
    validates[np.random.default_rng(seed).permutation(n)[:n_val]] = True
    by_row = validates[[numbers[key] for key in keys]] if n else np.zeros(0, dtype=bool)
    return np.flatnonzero(~by_row), np.flatnonzero(by_row)
