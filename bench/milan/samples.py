"""Training samples of a decoder: features of units under masks, and descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Samples:
    """N described sets of exemplars.

    Attributes:
        features: Features of each exemplar under its mask, float16 [N, K, F].
        descriptions: Texts of each sample, at least one.
        units: Unit of each sample, such as "resnet152/imagenet/layer4/17"; a unit with several sets
            of exemplars has several samples.
        groups: Group of each sample for separate scores, "" for none; empty without groups.
    """

    features: NDArray[np.float16]
    descriptions: tuple[tuple[str, ...], ...]
    units: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.features)
        if self.features.ndim != 3 or len(self.descriptions) != n or len(self.units) != n:
            raise ValueError(
                f"features {self.features.shape} do not match descriptions of "
                f"{len(self.descriptions)} units and {len(self.units)} names"
            )
        bare = next((u for u, d in zip(self.units, self.descriptions, strict=True) if not d), None)
        if bare is not None:
            raise ValueError(f"unit {bare} has no description")
        if self.groups and len(self.groups) != n:
            raise ValueError(f"{len(self.groups)} groups for {n} samples")

    def __len__(self) -> int:
        return len(self.features)

    def take(self, index: NDArray[np.int64]) -> Samples:
        """Return the samples at these positions."""
        return Samples(
            self.features[index],
            tuple(self.descriptions[i] for i in index.tolist()),
            tuple(self.units[i] for i in index.tolist()),
            tuple(self.groups[i] for i in index.tolist()) if self.groups else (),
        )

    def texts(self) -> list[str]:
        """Return all descriptions, one after the other."""
        return [text for group in self.descriptions for text in group]


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Concatenate several sets of samples, whose features have the same shape [K, F]."""
    return Samples(
        np.concatenate([part.features for part in parts]),
        tuple(text for part in parts for text in part.descriptions),
        tuple(unit for part in parts for unit in part.units),
        tuple(g for part in parts for g in part.groups or ("",) * len(part))
        if any(part.groups for part in parts)
        else (),
    )
