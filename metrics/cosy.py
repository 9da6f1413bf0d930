"""CoSy: activations on images of a label's concept, against those on control images.

Kopf et al., "CoSy: Evaluating Textual Explanations of Neurons", NeurIPS 2024, section 3. The images
of a concept may be synthetic or real. Each function takes pooled activations of one unit on both
groups, [n0] and [n1], and returns a number; or of U units, [n0, U] and [n1, U], and returns [U].
A score is NaN if a group is empty or has a NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from metrics.numeric import Floats

TOP_SHARE = 0.01
"""Share of the control images on which a unit counts as active, for `activation_rate`."""


def cosy_auc(control: ArrayLike, concept: ArrayLike) -> Floats:
    """Return the share of pairs in which the image of the concept activates the unit more.

    This is the area under the ROC curve; ties count half.
    """
    a0, a1 = _columns(control), _columns(concept)
    return _means(_shares_below(a0, a1), a0, a1).reshape(np.shape(control)[1:])


def cosy_u(control: ArrayLike, concept: ArrayLike) -> Floats:
    """Return Mann and Whitney's U of the control images: n0 n1 (1 - AUC)."""
    return len(np.asarray(control)) * len(np.asarray(concept)) * (1 - cosy_auc(control, concept))


def cosy_mad(control: ArrayLike, concept: ArrayLike) -> Floats:
    """Return the difference of mean activations in standard deviations of the control images.

    (mean of concept - mean of control) / std(control), with n0 - 1 in the variance. A negative
    value says that the concept deactivates the unit. The value is 0 if all control images activate
    the unit alike, and NaN for a single control image.
    """
    a0, a1 = _columns(control), _columns(concept)
    if len(a0) < 2:
        return np.full(np.shape(control)[1:], np.nan)
    difference = _means(a1, a0, a1) - a0.mean(axis=0)
    constant = np.ptp(a0, axis=0) == 0
    found = np.where(constant, 0.0, difference / np.where(constant, 1.0, a0.std(axis=0, ddof=1)))
    return np.where(np.isnan(difference), np.nan, found).reshape(np.shape(control)[1:])


def activation_rate(control: ArrayLike, concept: ArrayLike) -> Floats:
    """Return the share of the concept's images above the top 1 % of the control images.

    The threshold is the 0.99 quantile (Hazen's) of a unit's activations on the control images.
    SIEVE, CVPR 2026 (arXiv 2603.24953), filters labels by this rate.
    """
    a0, a1 = _columns(control), _columns(concept)
    if not len(a0):
        return np.full(np.shape(control)[1:], np.nan)
    threshold = np.quantile(a0, 1 - TOP_SHARE, axis=0, method="hazen")
    above = np.where(np.isnan(a1), np.nan, a1 > threshold)
    return _means(above, a0, a1).reshape(np.shape(control)[1:])


@dataclass(frozen=True)
class ImageMetric:
    """A comparison of images of a concept with control images.

    Attributes:
        compute: Takes control [n0, U] and concept [n1, U]; returns scores [U].
        title: Its name on a page.
        limits: The least and the greatest value; None if there are none.
        reported: Whether boards show it: U depends on the numbers of images.
    """

    compute: Callable[[Floats, Floats], Floats]
    title: str
    limits: tuple[float, float] | None = (0.0, 1.0)
    reported: bool = True


IMAGE_METRICS = {
    "cosy_auc": ImageMetric(cosy_auc, "CoSy AUC"),
    "cosy_mad": ImageMetric(cosy_mad, "CoSy MAD", None),
    "activation_rate": ImageMetric(activation_rate, "activation rate"),
    "cosy_u": ImageMetric(cosy_u, "CoSy U", None, reported=False),
}


def compare_concepts(
    control: Floats, images: Floats, concepts: Sequence[NDArray[np.int64]], names: Sequence[str]
) -> dict[str, Floats]:
    """Compare the images of each concept with the control images.

    Args:
        control: Activations of U units on control images [n0, U].
        images: Activations on the images of all concepts [n1, U].
        concepts: Positions in `images` of each of C concepts.
        names: Of `IMAGE_METRICS`.

    Returns:
        Scores [U, C] by metric.
    """
    return {
        name: np.column_stack(
            [IMAGE_METRICS[name].compute(control, images[own]) for own in concepts]
        )
        for name in names
    }


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _means(values: Floats, a0: Floats, a1: Floats) -> Floats:
    """Return means [U] of values [n1, U]; NaN if a group is empty or has a NaN."""
    if not len(a0) or not len(a1):
        return np.full(a0.shape[1], np.nan)
    invalid = np.isnan(a0).any(axis=0) | np.isnan(a1).any(axis=0)
    return np.where(invalid, np.nan, values.mean(axis=0))


def _shares_below(control: Floats, concept: Floats) -> Floats:
    """Return the share of control images that activate the unit less, ties counted half [n1, U]."""
    found = np.empty_like(concept)
    for unit, (a0, a1) in enumerate(zip(np.sort(control, axis=0).T, concept.T, strict=True)):
        below = np.searchsorted(a0, a1, side="left") + np.searchsorted(a0, a1, side="right")
        found[:, unit] = below / (2 * max(1, len(a0)))
    return found
