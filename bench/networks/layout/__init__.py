"""How a layer is read: its axes, tokens, call and output."""

from bench.networks.layout.layout import PLAIN, Layout
from bench.networks.layout.settings import LayoutSettings

__all__ = ["PLAIN", "Layout", "LayoutSettings"]
