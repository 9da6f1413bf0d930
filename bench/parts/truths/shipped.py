"""Lists of class names, and hypernyms, that ship with the package (data/SOURCES.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
IMAGENET = _DATA / "imagenet_classes.txt"
IMAGENET_SYNSETS = _DATA / "imagenet_synsets.txt"
IMAGENET_HYPERNYMS = _DATA / "imagenet_hypernyms.txt"
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


@cache
def imagenet_hypernyms() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the hypernyms of ImageNet's classes in WordNet 3.1.

    Returns:
        The hypernyms of each class, by synset ("n02085620"), and of each hypernym ("dog.n.01");
        and the words of each hypernym ("dog, domestic dog, Canis familiaris").
    """
    _, *lines = IMAGENET_HYPERNYMS.read_text(encoding="utf-8").rstrip("\n").split("\n")
    rows = [line.split("\t") for line in lines]
    parents = {synset: tuple(above.split()) for synset, above, *_ in rows}
    return parents, {synset: words[0] for synset, _, *words in rows if words}
