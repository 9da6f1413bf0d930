"""Ground truth: the true names of a layer's units."""

from bench.truths.file import FileTruth
from bench.truths.glyphs import GlyphsTruth
from bench.truths.none import NoTruth

__all__ = ["FileTruth", "GlyphsTruth", "NoTruth"]
