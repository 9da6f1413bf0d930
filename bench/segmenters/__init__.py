"""Segmenters: what says which concept each pixel of a probe image shows."""

from bench.segmenters.glyphs import GlyphsSegmenter
from bench.segmenters.hugging_face import HuggingFaceSegmenter
from bench.segmenters.probe_masks import ProbeMasks
from bench.segmenters.torchvision_models import TorchvisionSegmenter

__all__ = ["GlyphsSegmenter", "HuggingFaceSegmenter", "ProbeMasks", "TorchvisionSegmenter"]
