"""How much the parts do: at full size on a GPU, and in the rehearsal on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from bench.speed.cell_job import BRODEN, FIVE_LAYERS


@dataclass(frozen=True)
class Sizes:
    """Sizes of all parts.

    Attributes:
        agreement: (images, units, concepts, width) of the similarity functions on both devices.
        agreement_images: Images that networks see on both devices.
        functions: The same four numbers where the functions are timed.
        copied: Numbers of the arrays by which the device's copying is measured.
        loop_units: Units of the plain loop of rank_reorder.
        repeats: Runs of each function; the median counts.
        arch: The target of the five-layer cell.
        layers: Its layers.
        encoder: The image-text encoder of all cells, an architecture of open_clip.
        cell_images: Images of the five-layer cell, at most.
        concepts: Candidate labels of all cells.
        batch_size: Images in a forward pass.
        plain_share: Part of the images that the plain procedure sees.
        networks: The targets on which every method runs.
        method_layers: Their layers.
        method_images: Images with masks that every method sees, at most.
        captioner: The network that MILAN's decoder looks through.
        words: Words of the decoder.
        beam: Sentences that the search keeps.
        segmenter: Architecture of the segmenter in torchvision.
        segmenter_size: Side of its input.
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
