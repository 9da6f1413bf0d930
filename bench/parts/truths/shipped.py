"""Lists of class names that ship with the package (bench/parts/truths/data/SOURCES.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
IMAGENET = _DATA / "imagenet_classes.txt"
IMAGENET_SYNSETS = _DATA / "imagenet_synsets.txt"
PLACES365 = _DATA / "places365_classes.txt"


@cache
def imagenet_names() -> tuple[str, ...]:
    """Return the 1,000 classes of ImageNet, "tench, Tinca tinca" first."""
    return tuple(IMAGENET.read_text(encoding="utf-8").rstrip("\n").split("\n"))


@cache
def imagenet_synsets() -> dict[str, int]:
    """Return the class of each of ImageNet's 1,000 synsets, "n01440764" first."""
    synsets = IMAGENET_SYNSETS.read_text(encoding="utf-8").split()
    return {synset: number for number, synset in enumerate(synsets)}
