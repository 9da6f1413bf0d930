"""The captioner of the embedded world: a MILAN decoder trained on other networks' units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.files import sha256_file
from bench.parts.targets.glyphs import require_shipped

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.captions import Captioner
    from bench.parts.protocols import Fingerprint

CAPTIONER_VERSION = 1
"""Incremented when equal files give other sentences; part of the fingerprint."""


@dataclass(frozen=True)
class GlyphsCaptioner:
    """The shipped decoder, on features of the shipped encoder's image tower.

    It was trained on units of networks with other seeds, architectures and tasks than the targets',
    with descriptions from exact masks. It cannot name objects that no caption names.
    """

    summary: ClassVar[str] = "the embedded world's decoder, trained on other networks' units"
    packages: ClassVar[tuple[str, ...]] = ("timm",)
    of_glyphs: ClassVar[bool] = True
    given: ClassVar[str] = "annotated units"

    @property
    def image_size(self) -> int:
        """Side of the exemplars, in pixels."""
        from bench.glyphs.milan import IMAGE_SIZE

        return IMAGE_SIZE

    def fingerprint(self) -> Fingerprint:
        """Return the sha256 of the decoder's file and of the image tower's."""
        from bench.glyphs.weights import sha256_shipped

        decoder, tower = self._files()
        return {
            "kind": "glyphs",
            "decoder": sha256_shipped(decoder),
            "looks_through": sha256_file(tower),
            "image_size": self.image_size,
            "version": CAPTIONER_VERSION,
        }

    def load(self, device: str) -> Captioner:
        """Build both networks and read their weights."""
        from baselines.captioning.model_file import parse_captioner
        from baselines.captioning.trained import TrainedCaptioner
        from bench.glyphs.milan import load_pyramid
        from bench.glyphs.weights import read_shipped

        file, _ = self._files()
        stored = parse_captioner(read_shipped(file), str(file))
        return TrainedCaptioner(
            load_pyramid(), stored.decoder, stored.language_model, stored.vocabulary, device=device
        )

    @staticmethod
    def _files() -> tuple[Path, Path]:
        from bench.glyphs import encoder, milan

        return (
            require_shipped(milan.WEIGHTS, "captioner"),
            require_shipped(encoder.WEIGHTS, "captioner"),
        )
