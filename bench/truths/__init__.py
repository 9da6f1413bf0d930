"""Ground truth: the true names of a layer's units."""

from bench.truths.class_list import ClassListTruth
from bench.truths.file import FileTruth
from bench.truths.glyphs import GlyphsTruth
from bench.truths.none import NoTruth

__all__ = ["ClassListTruth", "FileTruth", "GlyphsTruth", "NoTruth"]
