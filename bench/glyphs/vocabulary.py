"""The names of the embedded world and their lexical tables.

The tables are CSV files in ``data/``. Synonyms count 1 and hypernyms 0.5 in lexical matching; they
were written from general English before any method was scored.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Concept:
    """A named thing with its lexical table.

    Attributes:
        name: Name in lower case, words separated by spaces.
        synonyms: Other names that count as correct.
        hypernyms: More general names that count half.
    """

    name: str
    synonyms: tuple[str, ...]
    hypernyms: tuple[str, ...]


@dataclass(frozen=True)
class GlyphObject(Concept):
    """A pictogram.

    Attributes:
        codepoint: Unicode code point of the glyph.
        style: ``ink`` (the glyph itself is filled with the colour) or ``lined`` (its silhouette is
            filled and the glyph is drawn over it in a contrasting line).
        mirror: Whether the mirrored glyph has the same name.
        named_in_captions: False for objects that no caption ever names.
        paraphrases: Descriptions by kind or use, which replace the name of an unnamed object.
    """

    codepoint: int
    style: str
    mirror: bool
    named_in_captions: bool
    paraphrases: tuple[str, ...]


@dataclass(frozen=True)
class Scene(Concept):
    """A background.

    Attributes:
        place: The scene as a place in a caption, e.g. ``on the sea``.
    """

    place: str


@dataclass(frozen=True)
class Colour(Concept):
    """A basic colour term.

    Attributes:
        rgb: Central value, each channel in 0..255.
    """

    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class Texture(Concept):
    """A fill pattern."""


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _read_objects() -> tuple[GlyphObject, ...]:
    return tuple(
        GlyphObject(
            name=row["name"],
            synonyms=_split(row["synonyms"]),
            hypernyms=_split(row["hypernyms"]),
            codepoint=int(row["codepoint"], 16),
            style=row["style"],
            mirror=row["mirror"] == "yes",
            named_in_captions=row["named_in_captions"] == "yes",
            paraphrases=_split(row["paraphrases"]),
        )
        for row in _rows("objects")
    )


def _read_scenes() -> tuple[Scene, ...]:
    return tuple(
        Scene(row["name"], _split(row["synonyms"]), _split(row["hypernyms"]), row["place"])
        for row in _rows("scenes")
    )


def _read_colours() -> tuple[Colour, ...]:
    return tuple(
        Colour(
            row["name"],
            _split(row["synonyms"]),
            _split(row["hypernyms"]),
            (int(row["red"]), int(row["green"]), int(row["blue"])),
        )
        for row in _rows("colours")
    )


def _read_textures() -> tuple[Texture, ...]:
    return tuple(
        Texture(row["name"], _split(row["synonyms"]), _split(row["hypernyms"]))
        for row in _rows("textures")
    )


OBJECTS: tuple[GlyphObject, ...] = _read_objects()
SCENES: tuple[Scene, ...] = _read_scenes()
COLOURS: tuple[Colour, ...] = _read_colours()
TEXTURES: tuple[Texture, ...] = _read_textures()


def _half() -> tuple[int, ...]:
    """Return every second named object and every second unnamed one."""
    named = [i for i, entry in enumerate(OBJECTS) if entry.named_in_captions]
    unnamed = [i for i, entry in enumerate(OBJECTS) if not entry.named_in_captions]
    return tuple(sorted(named[::2] + unnamed[::2]))


HALF_OBJECTS: tuple[int, ...] = _half()
"""Indices of the objects in the variant ``half``, in order."""


def all_concepts() -> tuple[str, ...]:
    """Return all names: objects, scenes, colours, textures, in this order, without duplicates.

    Returns:
        The names.
    """
    names = [entry.name for group in (OBJECTS, SCENES, COLOURS, TEXTURES) for entry in group]
    return tuple(dict.fromkeys(names))
