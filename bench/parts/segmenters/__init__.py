"""Segmenters: networks that assign concepts to the pixels of probe images."""

from bench.parts.segmenters.glyphs import GlyphsSegmenter
from bench.parts.segmenters.hugging_face import HuggingFaceSegmenter
from bench.parts.segmenters.probe_masks import ProbeMasks
from bench.parts.segmenters.torchvision_models import TorchvisionSegmenter
