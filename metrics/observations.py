"""Units and concepts on the same images: what metrics of faithfulness compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from metrics.numeric import Floats, midranks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Observations:
    """What is known of units and concepts on the same images.

    Attributes:
        activations: Pooled activations [N, U], or [N] of one unit; finite.
        presence: Probability in [0, 1] that a concept is present [N, C], or [N] of one concept.
        alpha: Share of the images on which a unit counts as active, those of its highest
            activations, ties included; None if the activations are zeros and ones already.
        counts: How many equal images each row stands for [N]; one each if None.
        seed: Seed of top-and-random samples.

    Raises:
        ValueError: Shapes do not fit, or a value is out of range.
    """

    activations: ArrayLike
    presence: ArrayLike
    alpha: float | None = 0.01
    counts: ArrayLike | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        n = len(self.a)
        if self.a.ndim != 2 or self.c.ndim != 2 or not n or len(self.c) != n:
            raise ValueError(
                f"activations are [N, U] and presence [N, C] over the same images, "
                f"not {np.shape(self.activations)} and {np.shape(self.presence)}"
            )
        if self.w.shape != (n, 1) or not (self.w > 0).all():
            raise ValueError(f"counts must be {n} positive numbers")
        if not np.isfinite(self.a).all():
            raise ValueError("activations must be finite")
        if not ((self.c >= 0) & (self.c <= 1)).all():
            raise ValueError("presence lies in [0, 1]")
        if self.alpha is None and not np.isin(self.a, (0, 1)).all():
            raise ValueError("without alpha, activations must be zeros and ones")
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise ValueError(f"alpha lies between 0 and 1; got {self.alpha}")

    @cached_property
    def a(self) -> Floats:
        """Activations, float64 [N, U]."""
        return _columns(self.activations)

    @cached_property
    def c(self) -> Floats:
        """Presence of concepts, float64 [N, C]."""
        return _columns(self.presence)

    @cached_property
    def w(self) -> Floats:
        """Images of each row, float64 [N, 1]."""
        return np.ones((len(self.a), 1)) if self.counts is None else _columns(self.counts)

    @cached_property
    def total(self) -> float:
        """Number of images."""
        return float(self.w.sum())

    @cached_property
    def active(self) -> Floats:
        """Where units are active, zeros and ones [N, U]."""
        if self.alpha is None:
            return self.a
        wanted = ceil(round(self.alpha * self.total, 6))  # 0.07 * 100 is 7.000000000000001
        order = np.argsort(-self.a, axis=0, kind="stable")
        last = (np.cumsum(self.w[order, 0], axis=0) < wanted).sum(axis=0)
        cut = np.take_along_axis(self.a, np.take_along_axis(order, last[None], 0), 0)
        return np.where((self.a >= cut) & (self.a > self.a.min(axis=0)), 1.0, 0.0)

    @cached_property
    def present(self) -> Floats:
        """Where concepts are present with probability 0.5 or more, zeros and ones [N, C]."""
        return np.where(self.c >= 0.5, 1.0, 0.0)

    @cached_property
    def n_active(self) -> Floats:
        """Number of active images [U, 1]."""
        return self.active.T @ self.w

    @cached_property
    def n_present(self) -> Floats:
        """Number of images that show the concept [1, C]."""
        return self.w.T @ self.present

    @cached_property
    def n_both(self) -> Floats:
        """Number of active images that show the concept [U, C]."""
        return self.active.T @ (self.w * self.present)

    @cached_property
    def n_neither(self) -> Floats:
        """Number of inactive images without the concept [U, C]."""
        return self.total - self.n_active - self.n_present + self.n_both

    @cached_property
    def a_ranks(self) -> Floats:
        """Midranks of activations [N, U]."""
        return np.column_stack([midranks(column, self.w[:, 0]) for column in self.a.T])

    @cached_property
    def c_ranks(self) -> Floats:
        """Midranks of presence [N, C]."""
        return np.column_stack([midranks(column, self.w[:, 0]) for column in self.c.T])


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
