"""Probe sets: the images that targets are run on."""

from bench.parts.probes.broden import BrodenProbe
from bench.parts.probes.cifar100 import Cifar100Probe
from bench.parts.probes.class_folder import ClassFolderProbe
from bench.parts.probes.folder import FolderProbe
from bench.parts.probes.glyphs import GlyphsProbe
from bench.parts.probes.glyphs_broden import GlyphsBrodenProbe
from bench.parts.probes.glyphs_noisy_masks import GlyphsNoisyMasksProbe
from bench.parts.probes.imagenet_val import ImageNetValProbe
from bench.parts.probes.places365_val import Places365ValProbe
from bench.parts.probes.precomputed import PrecomputedProbe
from bench.parts.probes.tiny_imagenet import TinyImageNetProbe
from bench.parts.probes.union import UnionProbe
