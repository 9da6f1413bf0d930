"""The embedded world's decoder: its files and its feature pyramid.

Importing this module does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs.weights import FOLDER, MEAN, STD, load_state, read_tower

if TYPE_CHECKING:
    from baselines.captioning.pyramid import Pyramid

WEIGHTS = FOLDER / "milan.safetensors.gz"
ENCODER = FOLDER / "encoder.safetensors"
IMAGE_SIZE = 80
"""Side of exemplar images and masks, the last training size of the encoder's image tower."""
LAYERS = ("conv1", "layer1", "layer2", "layer3", "layer4")
"""Layers of the image tower, 1,024 channels; conv1 before normalisation, as in MILAN."""


def load_pyramid() -> Pyramid:
    """Load the shipped encoder's image tower as a feature pyramid.

    It is not a target of the embedded world; its captions never name the unnamed objects.

    Raises:
        ValueError: The file does not fit the tower.
    """
    import timm

    from baselines.captioning.pyramid import Pyramid

    tower = timm.create_model("resnet10t", pretrained=False, num_classes=0)
    load_state(tower, read_tower(ENCODER, "visual.trunk."), "image tower")
    return Pyramid(tower, LAYERS, MEAN, STD, IMAGE_SIZE)
