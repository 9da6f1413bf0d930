"""How a layer's output is read: its axes, tokens, call and output."""

from bench.layout.known import layouts_of
from bench.layout.layout import PLAIN, Layout, Reading

__all__ = ["PLAIN", "Layout", "Reading", "layouts_of"]
