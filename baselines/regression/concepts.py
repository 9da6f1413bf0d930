"""Values of concepts on images: split, chosen and standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from baselines.similarity.inputs import spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray
    from torch import Tensor

STRONGEST = 5
"""Number of a concept's largest values that must be high on average."""
LEAST_MEAN = 0.5
LEAST_DEVIATION = 1e-5
_TOGETHER = 2**23
"""Numbers of a block of standardised values, float64."""


class Split(NamedTuple):
    """Images of training, validation and test.

    Attributes:
        order: All images, those of training first, then those of validation, int64 [N].
        train: Number of images of training.
        validation: Number of images of validation.
    """

    order: NDArray[np.int64]
    train: int
    validation: int

    @property
    def test(self) -> int:
        """Number of images of test."""
        return len(self.order) - self.train - self.validation


def split_images(n: int, seed: int) -> Split:
    """Split images at random: 70 % for training, 10 % for validation, 20 % for test."""
    order = np.random.default_rng(seed).permutation(n)
    train, validation = 7 * n // 10, n // 10
    parts = np.split(order, [train, train + validation])
    return Split(np.concatenate([np.sort(part) for part in parts]), train, validation)


@dataclass(frozen=True)
class ConceptValues:
    """How much each image shows each of the K concepts that are strong and vary in training.

    Attributes:
        values: Values, float32 [N, K].
        places: Column of each concept in the table that it was chosen from, int64 [K].
        means: Mean of each column over images of training, float64 [K].
        deviations: Its standard deviation (of a sample), float64 [K].
        train: Number of images of training, the first rows.
        validation: Number of images of validation, the next rows.
    """

    values: Tensor
    places: Tensor
    means: Tensor
    deviations: Tensor
    train: int
    validation: int

    @classmethod
    def choose(cls, tiles: Iterable[Tensor], split: Split) -> ConceptValues:
        """Keep concepts whose five largest values are at least 0.5 on average, and that vary.

        Args:
            tiles: Consecutive columns of the values in the split's order, float32 [N, T] each.
            split: The split; only images of training decide.
        """
        columns, places, means, deviations, first = [], [], [], [], 0
        for tile in tiles:
            known = tile[: split.train]
            strongest = known.topk(min(STRONGEST, split.train), dim=0).values.mean(dim=0)
            deviation, mean = torch.std_mean(known.double(), dim=0)
            kept = (strongest >= LEAST_MEAN) & (deviation >= LEAST_DEVIATION)
            columns.append(tile[:, kept])
            places.append(kept.nonzero()[:, 0] + first)
            means.append(mean[kept])
            deviations.append(deviation[kept])
            first += tile.shape[1]
        return cls(
            values=torch.cat(columns, dim=1),
            places=torch.cat(places),
            means=torch.cat(means),
            deviations=torch.cat(deviations),
            train=split.train,
            validation=split.validation,
        )

    def standardised(self, rows: slice, columns: Tensor | slice = slice(None)) -> Tensor:
        """Return values of mean 0 and deviation 1 over images of training, float64 [R, K]."""
        values = self.values[rows][:, columns].double()
        return (values - self.means[columns]) / self.deviations[columns]

    def products(self, left: Callable[[slice], Tensor]) -> NDArray[np.float64]:
        """Return mean products with all concepts over images of training.

        Args:
            left: Returns the factors of some images, float64 [R, M].

        Returns:
            float64 [M, K].
        """
        step = max(1, _TOGETHER // max(1, self.values.shape[1]))
        rows = [slice(*span) for span in spans(self.train, step)]
        total = sum(left(some).T @ self.standardised(some) for some in rows)
        assert isinstance(total, torch.Tensor)
        return (total / self.train).cpu().numpy()

    def gram(self, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return mean products of some standardised concepts with all, float64 [M, K]."""
        chosen = torch.from_numpy(columns).to(self.values.device)
        return self.products(lambda rows: self.standardised(rows, chosen))
