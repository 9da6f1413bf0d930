"""Truths: the true names of a layer's units."""

from bench.parts.truths.annotations import AnnotationsTruth
from bench.parts.truths.class_list import ClassListTruth
from bench.parts.truths.file import FileTruth
from bench.parts.truths.glyphs import GlyphsTruth
from bench.parts.truths.imagenet import ImageNetTruth
from bench.parts.truths.none import NoTruth
from bench.parts.truths.places365 import Places365Truth
from bench.parts.truths.planted import PlantedTruth
