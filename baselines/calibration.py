"""The sigmoid that turns cosines of images and texts into probabilities of concepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Calibration(NamedTuple):
    """The constants of p = 1 / (1 + exp(-a (cosine + b))) for one encoder."""

    a: float
    b: float

    def probabilities(self, cosines: Tensor) -> Tensor:
        """Return the probability that an image shows a concept, from their cosine."""
        return (self.a * (cosines + self.b)).sigmoid()


PUBLISHED: Mapping[tuple[str, str], Calibration] = {
    ("ViT-SO400M-14-SigLIP-384", "webli"): Calibration(58.0, -0.13),
    ("ViT-L-16-SigLIP-384", "webli"): Calibration(60.0, -0.09),
    ("ViT-L-14-336", "openai"): Calibration(58.0, -0.25),
    ("ViT-L-14-336-quickgelu", "openai"): Calibration(58.0, -0.25),
}
"""Constants of Oikarinen and Weng, "Linear Explanations for Individual Neurons", ICML 2024, by the
encoder's name and pretrained tag in open_clip."""
