"""The embedded world's decoder: which network sees for it, and where it lies.

Importing this module loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs.weights import FOLDER, MEAN, STD

if TYPE_CHECKING:
    from baselines.captioning.pyramid import Pyramid

WEIGHTS = FOLDER / "milan.safetensors"
IMAGE_SIZE = 80
"""Side of exemplar images and masks: what the encoder's image tower was trained on last."""
LAYERS = ("trunk.conv1", "trunk.layer1", "trunk.layer2", "trunk.layer3", "trunk.layer4")
"""Of the image tower, conv1 before its normalisation as in MILAN: 1,024 channels together."""


def load_pyramid() -> Pyramid:
    """The shipped encoder's image tower, as a pyramid of features.

    It is no target of the embedded world: it learned from captions, which name no unnamed object.
    """
    from baselines.captioning.pyramid import Pyramid
    from bench.glyphs.encoder import load_encoder

    model, _, _ = load_encoder()
    return Pyramid(model.visual, LAYERS, MEAN, STD, IMAGE_SIZE)
