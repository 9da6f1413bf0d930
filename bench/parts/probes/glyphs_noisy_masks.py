"""Images of the embedded world with masks that are not exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError
from bench.parts.checks import check_not_negative
from bench.parts.probes.glyphs import GlyphsProbe

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.spatial import Masks
    from bench.parts.protocols import Fingerprint

NOISE_VERSION = 1
"""Increase when the masks of equal parameters change."""


@dataclass(frozen=True)
class GlyphsNoisyMasksProbe(GlyphsProbe):
    """The images of `glyphs`; segments of their masks are too large, and some have a wrong label.

    Attributes:
        variant: "val", "half" or "scenes_only", as of `glyphs`.
        size: Number of images; a smaller set is a prefix of a larger one.
        offset: Number of the first image.
        growth: Segments grow by 1 pixel to this many, of 64; 0 for none.
        relabelled: Share of segments with another label of their category.
    """

    summary: ClassVar[str] = "images of the embedded world with noisy masks"

    growth: int = 2
    relabelled: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(self.growth, "probe.params.growth")
        if not 0 <= self.relabelled <= 1:
            raise UserError(
                f"invalid share {self.relabelled}",
                where="probe.params.relabelled",
                hint="give a share from 0 to 1",
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record: those of `glyphs` and of the noise."""
        return {**super().parameters, **self._noise}

    def masks(self, cache: Path) -> Masks:
        """Return noisy copies of the exact masks, made from these each time they are read."""
        from bench.glyphs.noisy_masks import NoisyMasks

        return NoisyMasks(super().masks(cache), self.variant, self.offset, **self._noise)

    def masks_fingerprint(self) -> Fingerprint:
        """Return that of the exact masks, and the noise."""
        noise = {**self._noise, "version": NOISE_VERSION}
        return {**super().masks_fingerprint(), "kind": "glyphs noisy masks", "noise": noise}

    @property
    def _noise(self) -> dict[str, Any]:
        return {"growth": self.growth, "relabelled": self.relabelled}
