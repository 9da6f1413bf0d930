"""Probe sets: the images that a target is shown."""

from bench.probes.broden import BrodenProbe
from bench.probes.folder import FolderProbe
from bench.probes.glyphs import GlyphsProbe
from bench.probes.glyphs_broden import GlyphsBrodenProbe

__all__ = ["BrodenProbe", "FolderProbe", "GlyphsBrodenProbe", "GlyphsProbe"]
