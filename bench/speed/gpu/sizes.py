"""Sizes of the parts: on a GPU, and in the rehearsal on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from bench.speed.jobs import BRODEN, FIVE_LAYERS


@dataclass(frozen=True)
class Sizes:
    """Sizes of all parts.

    Attributes:
        agreement: Shape of the inputs whose results are compared between devices.
        agreement_images: Images of the networks that are compared.
        functions: Shape of the inputs of the timed similarity functions.
        copied: Numbers in the arrays that measure the device's rate of copies.
        loop_units: Units for the plain loop of rank_reorder.
        repeats: Runs of each function; the median counts.
        arch: Target of the five-layer cell.
        layers: Layers of that target.
        encoder: Image-text encoder of all cells, an architecture of open_clip.
        cell_images: Largest number of images of the five-layer cell.
        concepts: Number of candidate labels of all cells.
        batch_size: Images of a forward pass.
        plain_share: Share of the images for the plain procedure.
        networks: Targets of every method.
        method_layers: Layers of those targets.
        method_images: Number of images with masks of every method.
        captioner: Network of MILAN's decoder.
        words: Number of words of the decoder.
        beam: Number of sentences in the beam.
        segmenter: Architecture of the segmenter in torchvision.
        segmenter_size: Side of the segmenter's input.
        profiled: Images of a profiled job.
    """

    agreement: tuple[int, int, int, int] = (4_000, 64, 1_000, 512)
    agreement_images: int = 8
    functions: tuple[int, int, int, int] = (50_000, 1_000, 20_000, 512)
    copied: int = 2**28
    loop_units: int = 20
    repeats: int = 3
    arch: str = "resnet50"
    layers: tuple[str, ...] = FIVE_LAYERS
    encoder: str = "ViT-B-16"
    cell_images: int = BRODEN
    concepts: int = 20_000
    batch_size: int = 256
    plain_share: float = 1 / 16
    networks: tuple[str, ...] = ("resnet18", "resnet50")
    method_layers: tuple[str, ...] = ("layer4", "fc")
    method_images: int = 1_000
    captioner: str = "resnet101"
    words: int = 5_000
    beam: int = 50
    segmenter: str = "deeplabv3_resnet50"
    segmenter_size: int = 448
    profiled: int = 512


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
