"""Targets: networks whose units are described."""

from bench.networks.layers import resolve_layers
from bench.parts.targets.callables import CallableTarget
from bench.parts.targets.glyphs import GlyphsTarget
from bench.parts.targets.patterns import expand_layers
from bench.parts.targets.planted import PlantedTarget
from bench.parts.targets.precomputed import PrecomputedTarget
from bench.parts.targets.timm_models import TimmTarget
from bench.parts.targets.torch_hub import TorchHubTarget
from bench.parts.targets.torchvision_models import TorchvisionTarget
