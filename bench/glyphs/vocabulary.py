"""The names of the embedded world and their lexical tables.

The tables are CSV files in ``data/``. Synonyms count 1 and hypernyms 0.5 in lexical matching; they
were written from general English before any method was scored.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """A background; `place` is the scene in a caption, e.g. ``on the sea``."""

    place: str


@dataclass(frozen=True)
class Colour(Concept):
    """A basic colour term; `rgb` is its central value, each channel in 0..255."""

    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class Texture(Concept):
    """A fill pattern."""


_Concept = TypeVar("_Concept", bound=Concept)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _read(
    name: str, kind: type[_Concept], rest: Callable[[dict[str, str]], dict[str, object]]
) -> tuple[_Concept, ...]:
    """Read a table; `rest` returns the fields of a row that are no field of `Concept`."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            kind(row["name"], _split(row["synonyms"]), _split(row["hypernyms"]), **rest(row))
            for row in csv.DictReader(file)
        )


OBJECTS = _read(
    "objects",
    GlyphObject,
    lambda row: {
        "codepoint": int(row["codepoint"], 16),
        "style": row["style"],
        "mirror": row["mirror"] == "yes",
        "named_in_captions": row["named_in_captions"] == "yes",
        "paraphrases": _split(row["paraphrases"]),
    },
)
SCENES = _read("scenes", Scene, lambda row: {"place": row["place"]})
COLOURS = _read(
    "colours", Colour, lambda row: {"rgb": tuple(int(row[c]) for c in ("red", "green", "blue"))}
)
TEXTURES = _read("textures", Texture, lambda _: {})


_NAMED = [number for number, entry in enumerate(OBJECTS) if entry.named_in_captions]
_UNNAMED = [number for number, entry in enumerate(OBJECTS) if not entry.named_in_captions]

HALF_OBJECTS = tuple(sorted(_NAMED[::2] + _UNNAMED[::2]))
"""Indices of the objects in the variant ``half``: every second named and every second unnamed."""


def all_concepts() -> tuple[str, ...]:
    """Return all names: objects, scenes, colours, textures, in this order, without duplicates."""
    names = [entry.name for group in (OBJECTS, SCENES, COLOURS, TEXTURES) for entry in group]
    return tuple(dict.fromkeys(names))
