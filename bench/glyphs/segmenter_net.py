"""The segmenter's network: three stages of a ResNet-10-T, a coarser fourth, a feature pyramid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import timm
import torch
import torch.nn.functional as functional
from torch import nn

from bench.glyphs.planes import PLANES
from bench.glyphs.weights import read_tower

if TYPE_CHECKING:
    from pathlib import Path

ARCHITECTURE = "resnet10t (stem and three stages) + feature pyramid"

_STAGES = (64, 128, 256)
"""Channels of the trunk's stages, at 1/4, 1/8 and 1/16 of the input size."""
_TOP = 224
"""Channels of the fourth stage, at 1/32; timm's has 512 and three times the parameters."""
_WIDTH = 80
_HEAD = 96


def _convolution(into: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class SegmenterNet(nn.Module):
    """Logits of all planes for each pixel, at half of the input's resolution.

    The last layer returns four sets of logits for each cell of 4 x 4 input pixels, one per quarter:
    half the resolution at the cost of a quarter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = timm.create_model(
            "resnet10t", pretrained=False, features_only=True, out_indices=(1, 2, 3)
        )
        self.top = nn.Sequential(_convolution(_STAGES[-1], _TOP, 2), _convolution(_TOP, _TOP))
        self.laterals = nn.ModuleList(nn.Conv2d(c, _WIDTH, 1) for c in (*_STAGES, _TOP))
        self.smooth = nn.ModuleList(_convolution(_WIDTH, _WIDTH) for _ in _STAGES)
        logits = sum(plane.classes for plane in PLANES)
        self.head = nn.Sequential(_convolution(_WIDTH, _HEAD), nn.Conv2d(_HEAD, 4 * logits, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Segment images.

        Args:
            images: Normalised, [B, 3, S, S]; S a multiple of 32.

        Returns:
            Logits [B, sum of the planes' classes, S / 2, S / 2], the planes in order.
        """
        maps = list(self.trunk(images))
        maps.append(self.top(maps[-1]))
        sides = [lateral(each) for lateral, each in zip(self.laterals, maps, strict=True)]
        found = sides.pop()
        while sides:
            finer = sides.pop()
            found = functional.interpolate(found, finer.shape[2:], mode="nearest") + finer
            found = self.smooth[len(sides)](found)
        return functional.pixel_shuffle(self.head(found), 2)


def split_planes(logits: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Split logits [B, sum of classes, H, W] into one tensor [B, classes, H, W] per plane."""
    return torch.split(logits, [plane.classes for plane in PLANES], dim=1)


def trunk_of_encoder(encoder: Path) -> dict[str, torch.Tensor]:
    """Return what the trunk starts from: stem and first three stages of the encoder's tower."""
    tower = read_tower(encoder, "visual.trunk.")
    return {name: value for name, value in tower.items() if not name.startswith("layer4.")}
