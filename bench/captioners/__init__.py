"""Captioners: what puts a unit's exemplars into words."""

from bench.captioners.glyphs import GlyphsCaptioner
from bench.captioners.hugging_face import HuggingFaceCaptioner
from bench.captioners.milan import MilanCaptioner

__all__ = ["GlyphsCaptioner", "HuggingFaceCaptioner", "MilanCaptioner"]
