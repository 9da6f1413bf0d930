"""Image-text encoders."""

from bench.encoders.files import OpenClipEncoder
from bench.encoders.glyphs import GlyphsEncoder
from bench.encoders.pretrained import OpenClipPretrained

__all__ = ["GlyphsEncoder", "OpenClipEncoder", "OpenClipPretrained"]
