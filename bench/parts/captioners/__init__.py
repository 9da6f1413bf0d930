"""Captioners: what puts a unit's exemplars into words."""

from bench.parts.captioners.glyphs import GlyphsCaptioner
from bench.parts.captioners.hugging_face import HuggingFaceCaptioner
from bench.parts.captioners.milan import MilanCaptioner
