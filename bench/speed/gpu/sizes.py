"""Sizes of the parts: on a GPU, and in the rehearsal on a CPU."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from bench.speed.jobs import BRODEN, FIVE_LAYERS, Setting


@dataclass(frozen=True)
class Sizes:
    """Sizes of all parts."""

    # Results on both devices.
    agreement: tuple[int, int, int, int] = (4_000, 64, 1_000, 512)  # images, units, concepts, width
    agreement_images: int = 8  # of the networks
    # Similarity functions.
    functions: tuple[int, int, int, int] = (50_000, 1_000, 20_000, 512)
    copied: int = 2**28  # numbers in the arrays that measure the device's rate of copies
    loop_units: int = 20  # for the plain loop of rank_reorder
    repeats: int = 3  # of each function; the median counts
    # The five-layer cell.
    arch: str = "resnet50"
    layers: tuple[str, ...] = FIVE_LAYERS
    cell_images: int = BRODEN  # at most
    plain_share: float = 1 / 16  # of the images, for the plain procedure
    # All cells.
    encoder: str = "ViT-B-16"  # an architecture of open_clip
    concepts: int = 20_000
    batch_size: int = 256
    # Every method.
    networks: tuple[str, ...] = ("resnet18", "resnet50")
    method_layers: tuple[str, ...] = ("layer4", "fc")
    method_images: int = 1_000
    captioner: str = "resnet101"  # network of MILAN's decoder
    words: int = 5_000  # of the decoder
    beam: int = 50
    segmenter: str = "deeplabv3_resnet50"  # in torchvision
    segmenter_size: int = 448  # side of its input
    # Operations.
    profiled: int = 512  # images of a profiled job

    def setting(self, device: str, **changes: Any) -> Setting:
        """Return the setting of the five-layer cell, with changes."""
        setting = Setting(
            "clip_dissect", self.arch, self.layers, self.encoder, self.cell_images, device,
            self.batch_size, os.cpu_count() or 1,
        )  # fmt: skip
        return replace(setting, **changes)


FULL = Sizes()

TINY = Sizes(
    agreement=(200, 6, 30, 8),
    agreement_images=2,
    functions=(300, 7, 40, 16),
    copied=2**20,
    loop_units=2,
    repeats=1,
    arch="mobilenet_v3_small",  # its first layers have 16 units
    layers=("features.0", "features.1"),
    encoder="ViT-S-32-alt",
    cell_images=16,
    concepts=20,
    batch_size=8,
    plain_share=1 / 2,
    networks=("mobilenet_v3_small",),
    method_layers=("features.0",),
    method_images=3,
    captioner="resnet18",
    words=40,
    beam=2,
    segmenter="lraspp_mobilenet_v3_large",
    segmenter_size=64,
    profiled=3,
)
