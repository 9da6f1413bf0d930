"""Captioners: what puts a unit's exemplars into words."""

from bench.captioners.hugging_face import HuggingFaceCaptioner

__all__ = ["HuggingFaceCaptioner"]
