"""The segmenter of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from baselines.spatial import MaskLabel
from bench.parts.segmenters.network import SEGMENTER_VERSION, wrap_network
from bench.parts.targets.glyphs import require_shipped
from bench.parts.targets.transform import square_transform
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from bench.parts.protocols import Fingerprint, LoadedSegmenter


@dataclass(frozen=True)
class GlyphsSegmenter:
    """A small network that segments colours, objects, scenes and textures of Glyphs, 64 x 64.

    Trained on exact masks, it knows the names of all objects, also those that no caption contains.
    It sees the whole 128 x 128 image, as the targets of the embedded world do.
    """

    summary: ClassVar[str] = "the embedded world's network: colour, object, scene, texture"
    packages: ClassVar[tuple[str, ...]] = ("timm",)
    of_glyphs: ClassVar[bool] = True
    uses_probe_masks: ClassVar[bool] = False

    def fingerprint(self) -> Fingerprint:
        """Return sha256 of the shipped file, transform, and size of the masks."""
        from bench.glyphs import planes, segmenter, weights

        return {
            "kind": "glyphs",
            "weights": weights.sha256_shipped(self._file()),
            "transform": {
                "size": segmenter.SIZE,
                "mean": list(weights.MEAN),
                "std": list(weights.STD),
            },
            "mask_size": planes.MASK_SIZE,
            "labels": sha256_json([[label.name, label.category] for label in self.labels()]),
            "precision": "float32",
            "version": SEGMENTER_VERSION,
        }

    def labels(self) -> tuple[MaskLabel, ...]:
        """Return the names of the vocabulary, with Broden's suffixes, by category."""
        from bench.glyphs.planes import PLANES

        return tuple(
            MaskLabel(f"{name}{plane.suffix}", plane.category)
            for plane in PLANES
            for name in plane.names
        )

    def categories(self) -> tuple[str, ...]:
        """Return color, object, scene and texture, in the order of Broden."""
        from bench.glyphs.planes import PLANES

        return tuple(plane.category for plane in PLANES)

    def load(self, device: str) -> LoadedSegmenter:
        """Build the network and read its weights."""
        from bench.glyphs import planes, segmenter, weights
        from bench.glyphs.segmenter_net import split_planes

        self._file()  # refuses if it is missing
        network = segmenter.load_segmenter()

        def logits_of(images: Tensor) -> Sequence[Tensor]:
            return split_planes(network(images))

        positions, begin = [], 0
        for plane in planes.PLANES:
            positions.append([-1, *range(begin, begin + len(plane.names))])
            begin += len(plane.names)
        side = segmenter.SIZE
        transform = square_transform(side, side, weights.MEAN, weights.STD)
        size = (planes.MASK_SIZE, planes.MASK_SIZE)
        return wrap_network(
            network, logits_of, transform, positions, size, device=device, precision="float32"
        )

    @staticmethod
    def _file() -> Path:
        from bench.glyphs import segmenter

        return require_shipped(segmenter.WEIGHTS, "segmenter")
