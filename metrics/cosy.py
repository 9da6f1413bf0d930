"""CoSy: activations on images of a label's concept, against those on control images.

Kopf et al., "CoSy: Evaluating Textual Explanations of Neurons", NeurIPS 2024, section 3. The images
of a concept may be synthetic or real. Each function takes pooled activations of one unit on both
groups, [n0] and [n1], and returns a number; or of U units, [n0, U] and [n1, U], and returns [U].
For many concepts, give it the control images as `Control`. A score is NaN if a group is empty or
has a NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from metrics.numeric import Floats

TOP_SHARE = 0.01
"""Share of the control images on which a unit counts as active, for `activation_rate`."""


@dataclass(frozen=True, eq=False)
class Control:
    """Control images, with what scores need of them computed once for all concepts.

    Attributes:
        activations: Pooled activations of one unit [n0], or of U units [n0, U].
    """

    activations: ArrayLike

    @cached_property
    def columns(self) -> Floats:
        """Activations [n0, U]."""
        return _columns(self.activations)

    @cached_property
    def ascending(self) -> Floats:
        """Sorted activations [U, n0]."""
        return np.sort(self.columns.T, axis=1)

    @cached_property
    def invalid(self) -> NDArray[np.bool_]:
        """Whether a unit has no valid activations [U]."""
        columns = self.columns
        return np.isnan(columns).any(axis=0) | np.full(columns.shape[1], not len(columns))

    @cached_property
    def mean(self) -> Floats:
        """Means [U]."""
        found: Floats = self.columns.mean(axis=0)
        return found

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviations with n0 - 1 in the variance [U]; exactly 0 for equal activations."""
        equal = np.ptp(self.columns, axis=0) == 0
        return np.where(equal, 0.0, self.columns.std(axis=0, ddof=1))

    @cached_property
    def threshold(self) -> Floats:
        """The 0.99 quantiles (Hazen's) [U]."""
        return np.quantile(self.columns, 1 - TOP_SHARE, axis=0, method="hazen")

    def means(self, values: Floats, concept: Floats) -> Floats:
        """Return means of values [n1, U], as numbers of one unit or [U].

        They are NaN if a group is empty or has a NaN.

        Args:
            values: What is averaged over the images of the concept.
            concept: Activations on these images [n1, U].
        """
        means = values.mean(axis=0) if len(values) else np.full(len(self.invalid), np.nan)
        found = np.where(self.invalid | np.isnan(concept).any(axis=0), np.nan, means)
        return found.reshape(np.shape(self.activations)[1:])


def cosy_auc(control: ArrayLike | Control, concept: ArrayLike) -> Floats:
    """Return the share of pairs in which the image of the concept activates the unit more.

    This is the area under the ROC curve; ties count half.
    """
    own, a1 = _control(control), _columns(concept)
    shares = np.empty_like(a1)  # of control images that activate the unit less
    for unit, (a0, values) in enumerate(zip(own.ascending, a1.T, strict=True)):
        below = np.searchsorted(a0, values, side="left") + np.searchsorted(a0, values, side="right")
        shares[:, unit] = below / (2 * max(1, len(a0)))
    return own.means(shares, a1)


def cosy_u(control: ArrayLike | Control, concept: ArrayLike) -> Floats:
    """Return Mann and Whitney's U of the control images: n0 n1 (1 - AUC)."""
    own = _control(control)
    return len(own.columns) * len(np.asarray(concept)) * (1 - cosy_auc(own, concept))


def cosy_mad(control: ArrayLike | Control, concept: ArrayLike) -> Floats:
    """Return the difference of mean activations in standard deviations of the control images.

    (mean of concept - mean of control) / std(control), with n0 - 1 in the variance. A negative
    value says that the concept deactivates the unit. The value is 0 if all control images activate
    the unit alike, and NaN for a single control image.
    """
    own, a1 = _control(control), _columns(concept)
    if len(own.columns) < 2:
        return np.full(np.shape(own.activations)[1:], np.nan)
    difference = own.means(a1, a1) - own.mean.reshape(np.shape(own.activations)[1:])
    deviation = own.deviation.reshape(difference.shape)
    found = np.where(deviation == 0, 0.0, difference / np.where(deviation == 0, 1.0, deviation))
    return np.where(np.isnan(difference), np.nan, found)


def activation_rate(control: ArrayLike | Control, concept: ArrayLike) -> Floats:
    """Return the share of the concept's images above the top 1 % of the control images.

    The threshold is the 0.99 quantile (Hazen's) of a unit's activations on the control images.
    SIEVE, CVPR 2026 (arXiv 2603.24953), filters labels by this rate.
    """
    own, a1 = _control(control), _columns(concept)
    if not len(own.columns):
        return np.full(np.shape(own.activations)[1:], np.nan)
    return own.means((a1 > own.threshold).astype(np.float64), a1)


@dataclass(frozen=True)
class ImageMetric:
    """A comparison of images of a concept with control images.

    Attributes:
        compute: Takes control and concept [n1, U]; returns scores [U].
        title: Its name on a page.
        limits: The least and the greatest value; None if there are none.
        reported: Whether boards show it: U depends on the numbers of images.
    """

    compute: Callable[[Floats | Control, Floats], Floats]
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
    prepared = Control(control)
    return {
        name: np.column_stack(
            [IMAGE_METRICS[name].compute(prepared, images[own]) for own in concepts]
        )
        for name in names
    }


def _control(control: ArrayLike | Control) -> Control:
    return control if isinstance(control, Control) else Control(control)


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array
