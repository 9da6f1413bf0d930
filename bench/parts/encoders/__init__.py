"""Image-text encoders."""

from bench.parts.encoders.files import OpenClipEncoder
from bench.parts.encoders.glyphs import GlyphsEncoder
from bench.parts.encoders.precomputed import PrecomputedEncoder
from bench.parts.encoders.pretrained import OpenClipPretrained
