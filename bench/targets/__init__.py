"""Targets: networks whose units are to be named."""

from bench.targets.glyphs import GlyphsTarget
from bench.targets.layers import resolve_layers
from bench.targets.torchvision_models import TorchvisionTarget

__all__ = ["GlyphsTarget", "TorchvisionTarget", "resolve_layers"]
