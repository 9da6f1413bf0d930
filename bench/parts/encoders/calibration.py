"""Published calibrations of image-text encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics.calibration import Calibration

if TYPE_CHECKING:
    from bench.parts.protocols import Encoder

CALIBRATIONS = {
    ("ViT-SO400M-14-SigLIP-384", "webli"): Calibration(58, -0.13),
    ("ViT-L-16-SigLIP-384", "webli"): Calibration(60, -0.09),
    ("ViT-L-14-336-quickgelu", "openai"): Calibration(58, -0.25),
}
"""By model and pretrained tag of open_clip: the constants of the code of Oikarinen & Weng, "Linear
Explanations for Individual Neurons", ICML 2024."""


def published_calibration(encoder: Encoder) -> Calibration | None:
    """Return the published calibration of an encoder; None for others, which have to be fitted."""
    name = (getattr(encoder, "model", ""), getattr(encoder, "pretrained", ""))
    return CALIBRATIONS.get(name)
