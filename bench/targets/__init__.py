"""Targets: networks whose units are to be named."""

from bench.targets.callables import CallableTarget
from bench.targets.glyphs import GlyphsTarget
from bench.targets.layers import resolve_layers
from bench.targets.patterns import expand_layers
from bench.targets.timm_models import TimmTarget
from bench.targets.torch_hub import TorchHubTarget
from bench.targets.torchvision_models import TorchvisionTarget

__all__ = [
    "CallableTarget",
    "GlyphsTarget",
    "TimmTarget",
    "TorchHubTarget",
    "TorchvisionTarget",
    "expand_layers",
    "resolve_layers",
]
