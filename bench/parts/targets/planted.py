"""Units that are defined by concepts of the embedded world, instead of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NoReturn

from bench.errors import UserError, nearest
from bench.parts.checks import check_not_negative
from bench.parts.layer_arrays import LayerArrays
from bench.parts.probes.glyphs import GlyphsProbe

if TYPE_CHECKING:
    from bench.parts.protocols import Fingerprint, Probe

VERSION = 1
"""Increase when activations of equal seeds change."""


@dataclass(frozen=True)
class PlantedTarget:
    """Units whose maps show the area of known concepts of Glyphs images, with noise.

    Its layers are "strong", "middle" and "weak": the same units with more and more noise.

    Attributes:
        seed: Seed of units and noise.
    """

    summary: ClassVar[str] = "units defined by concepts of the embedded world, with noise"
    visible_share: ClassVar[float] = 1.0
    squashes: ClassVar[bool] = False

    seed: int = 0

    def __post_init__(self) -> None:
        check_not_negative(self.seed, "target.params.seed")

    def fingerprint(self) -> Fingerprint:
        """Return seed and version; probe sets have the fingerprint of the world."""
        return {"kind": "planted", "seed": self.seed, "version": VERSION}

    def module_paths(self) -> tuple[str, ...]:
        """Return the names of the layers."""
        from bench.glyphs.planted import LEVELS

        return LEVELS

    def arrays(self, layer: str, probe: Probe) -> LayerArrays:
        """Return the units of a layer on Glyphs images; nothing is computed yet.

        Raises:
            UserError: There is no such layer, or the images are not of Glyphs.
        """
        from bench.glyphs.areas import GRID
        from bench.glyphs.planted_maps import PlantedMaps, mean_maps

        if layer not in self.module_paths():
            raise UserError(
                f"planted units have no layer {layer!r}",
                where="target.layers",
                valid=nearest(layer, self.module_paths()),
                hint=f"choose among: {', '.join(self.module_paths())}",
            )
        if not isinstance(probe, GlyphsProbe):
            raise UserError(
                "planted units are defined on images of Glyphs only",
                where="probe",
                hint="choose probe=glyphs_noisy_masks, or another Glyphs probe set",
            )
        maps = PlantedMaps(self.seed, layer, probe.variant, probe.size, probe.offset)
        return LayerArrays(
            n=probe.size,
            units=len(maps.units),
            map_size=(GRID, GRID),
            activations=lambda: mean_maps(maps),
            maps=maps.batches,
        )

    def load(self, device: str) -> NoReturn:
        """Raise an error: planted units have no network.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "planted units have no network",
            where="target",
            hint="choose another target for what needs a network",
        )
