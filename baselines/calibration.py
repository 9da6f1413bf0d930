"""From the cosine of an image and a text to the probability that the image shows it.

p = sigmoid(scale (cosine + bias)), as Oikarinen and Weng calibrate image-text models ("Linear
Explanations for Individual Neurons", ICML 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

PRIOR = 1e-4
"""Weight of the penalty scale^2 in the mean loss, so that separable pairs have a finite scale."""


class Calibration(NamedTuple):
    """A logistic calibration of one encoder.

    Attributes:
        scale: Slope by which a shifted cosine is multiplied.
        bias: What is added to a cosine; the probability is 1/2 at -bias.
    """

    scale: float
    bias: float

    def probabilities(self, cosines: Tensor) -> Tensor:
        """Return the probability of each cosine."""
        return (self.scale * (cosines + self.bias)).sigmoid()


PUBLISHED: Mapping[tuple[str, str], Calibration] = {
    ("ViT-SO400M-14-SigLIP-384", "webli"): Calibration(58.0, -0.13),
    ("ViT-L-16-SigLIP-384", "webli"): Calibration(60.0, -0.09),
    ("ViT-L-14-336", "openai"): Calibration(58.0, -0.25),
    ("ViT-L-14-336-quickgelu", "openai"): Calibration(58.0, -0.25),
}
"""Constants of the paper's code, by the encoder's name and pretrained tag in open_clip."""


def fit_calibration(cosines: ArrayLike, presence: ArrayLike) -> Calibration:
    """Fit a calibration by logistic regression, with equal weight for all pairs.

    Args:
        cosines: Similarities of images and concepts, of any shape.
        presence: Zeros and ones of the same shape: whether the image shows the concept.

    Raises:
        ValueError: All pairs are of one kind, or a higher cosine makes a concept less likely.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    x, y = np.ravel(cosines).astype(np.float64), np.ravel(presence).astype(np.float64)
    if y.min(initial=1) == y.max(initial=0):
        raise ValueError("the images show all concepts, or none of them")
    mean, deviation = x.mean(), max(float(x.std()), 1e-12)
    z = (x - mean) / deviation

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offset = at
        logits = slope * z + offset
        residual = expit(logits) - y
        value = float(np.mean(np.logaddexp(0, logits) - y * logits)) + PRIOR * slope**2
        return value, np.array([np.mean(residual * z) + 2 * PRIOR * slope, np.mean(residual)])

    share = float(y.mean())
    slope, offset = minimize(loss, [1.0, np.log(share / (1 - share))], jac=True, method="BFGS").x
    if slope <= 0:
        raise ValueError("a higher similarity makes a concept less likely on these images")
    return Calibration(float(slope / deviation), float(offset * deviation / slope - mean))
