"""CoSy: activations on images of a label's concept, against those on control images.

Kopf et al., "CoSy: Evaluating Textual Explanations of Neurons", NeurIPS 2024, section 3. The images
of a concept may be synthetic or real; both groups hold pooled activations of one unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metrics.numeric import auroc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def cosy_auc(control: ArrayLike, concept: ArrayLike) -> float:
    """Return the share of pairs in which the image of the concept activates the unit more.

    Args:
        control: Activations on control images [n0].
        concept: Activations on images of the concept [n1].

    Returns:
        The area under the ROC curve, ties counted half; NaN if a group is empty or has a NaN.
    """
    groups = [np.ravel(control), np.ravel(concept)]
    return auroc(np.concatenate(groups), np.repeat([0, 1], [len(group) for group in groups]))


def cosy_mad(control: ArrayLike, concept: ArrayLike) -> float:
    """Return the difference of mean activations in standard deviations of the control images.

    (mean of concept - mean of control) / std(control), with n0 - 1 in the variance. A negative
    value says that the concept deactivates the unit.

    Args:
        control: Activations on control images [n0].
        concept: Activations on images of the concept [n1].

    Returns:
        The difference; 0 for control images that all activate the unit alike, NaN for no images of
        the concept or fewer than two control images.
    """
    groups = [np.asarray(values, dtype=np.float64).ravel() for values in (control, concept)]
    if groups[0].size < 2 or not groups[1].size:
        return float("nan")
    if np.ptp(groups[0]) == 0:
        return 0.0
    return float((groups[1].mean() - groups[0].mean()) / groups[0].std(ddof=1))
