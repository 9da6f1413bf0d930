"""Lists of class names that ship with the package (bench/truths/data/SOURCES.md)."""

from __future__ import annotations

from pathlib import Path

_DATA = Path(__file__).parent / "data"
IMAGENET = _DATA / "imagenet_classes.txt"
PLACES365 = _DATA / "places365_classes.txt"
