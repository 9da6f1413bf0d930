"""Ground truth: the true names of a layer's units."""

from bench.truths.annotations import AnnotationsTruth
from bench.truths.class_list import ClassListTruth
from bench.truths.file import FileTruth
from bench.truths.glyphs import GlyphsTruth
from bench.truths.imagenet import ImageNetTruth
from bench.truths.none import NoTruth
from bench.truths.places365 import Places365Truth

__all__ = [
    "AnnotationsTruth",
    "ClassListTruth",
    "FileTruth",
    "GlyphsTruth",
    "ImageNetTruth",
    "NoTruth",
    "Places365Truth",
]
