"""Probe sets: the images that a target is shown."""

from bench.probes.broden import BrodenProbe
from bench.probes.cifar100 import Cifar100Probe
from bench.probes.class_folder import ClassFolderProbe
from bench.probes.folder import FolderProbe
from bench.probes.glyphs import GlyphsProbe
from bench.probes.glyphs_broden import GlyphsBrodenProbe
from bench.probes.imagenet_val import ImageNetValProbe
from bench.probes.places365_val import Places365ValProbe
from bench.probes.tiny_imagenet import TinyImageNetProbe
from bench.probes.union import UnionProbe

__all__ = [
    "BrodenProbe",
    "Cifar100Probe",
    "ClassFolderProbe",
    "FolderProbe",
    "GlyphsBrodenProbe",
    "GlyphsProbe",
    "ImageNetValProbe",
    "Places365ValProbe",
    "TinyImageNetProbe",
    "UnionProbe",
]
