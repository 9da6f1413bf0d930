"""Probe sets: the images that a target is shown."""

from bench.probes.folder import FolderProbe
from bench.probes.glyphs import GlyphsProbe

__all__ = ["FolderProbe", "GlyphsProbe"]
