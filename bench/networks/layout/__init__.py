"""How a layer's output is read: its axes, tokens, call and output."""

from bench.networks.layout.layout import PLAIN, Layout, Reading

__all__ = ["PLAIN", "Layout", "Reading"]
