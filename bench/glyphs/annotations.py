"""Describe findings in words, with varied wording.

Objects that captions never name are paraphrased here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs.captions import article, noun
from bench.glyphs.raster import Draw
from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

if TYPE_CHECKING:
    from bench.glyphs.findings import Findings

ANNOTATIONS = 3
"""Number of descriptions per unit, as in MILANNOTATIONS."""

_NOTHING = (
    "many different things",
    "various objects in various places",
    "no clear pattern",
    "all kinds of pictures",
)
_SAME = frozenset({"dice", "mouse", "yin yang", "fleur-de-lis"})
"""Names without a plural form."""


def describe(findings: Findings, draw: Draw) -> str:
    """Write one description, such as ``a red striped heart on the sea``."""
    if findings.empty:
        return draw.pick(_NOTHING)
    adjectives = _adjectives(findings)
    place = "" if findings.scene is None else f" {SCENES[findings.scene].place}"
    if len(findings.objects) == 1:
        return _one_object(findings.objects[0], adjectives, place, draw)
    if findings.objects:
        return _several_objects(findings.objects, adjectives, place, draw)
    if adjectives:
        things = draw.pick(("things", "objects", "shapes"))
        if draw.chance(0.3):
            return f"{things} that are {' and '.join(adjectives)}{place}"
        return f"{' '.join([*adjectives, things])}{place}"
    return _scenes_alone(findings, draw)


def write_annotations(findings: Findings, *key: int) -> tuple[str, ...]:
    """Write ``ANNOTATIONS`` descriptions of a unit; `key` seeds the wording."""
    return tuple(describe(findings, Draw(*key, number)) for number in range(ANNOTATIONS))


def _adjectives(findings: Findings) -> list[str]:
    words = []
    if findings.colour is not None:
        words.append(COLOURS[findings.colour].name)
    if findings.texture is not None:
        words.append(TEXTURES[findings.texture].name)
    return words


def _one_object(number: int, adjectives: list[str], place: str, draw: Draw) -> str:
    head = noun(draw, number)
    if not OBJECTS[number].named_in_captions:
        return head  # paraphrases are long enough
    phrase = article(" ".join([*adjectives, head]))
    opening = draw.pick(("", "", "", "", "a picture of ", "images of "))
    return f"{opening}{phrase}{place}"


def _several_objects(
    objects: tuple[int, ...], adjectives: list[str], place: str, draw: Draw
) -> str:
    named = [number for number in objects if OBJECTS[number].named_in_captions]
    if not named:
        return noun(draw, objects[0])
    heads = [" ".join([*adjectives, _plural(OBJECTS[number].name)]) for number in named]
    listed = heads[0] if len(heads) == 1 else f"{', '.join(heads[:-1])} and {heads[-1]}"
    return f"{draw.pick(('', '', 'mostly '))}{listed}{place}"


def _scenes_alone(findings: Findings, draw: Draw) -> str:
    if findings.scene is None:
        return " and ".join(SCENES[number].name for number in findings.scenes)
    entry = SCENES[findings.scene]
    name = draw.pick((entry.name, entry.name, entry.name, *entry.synonyms))
    opening = draw.pick(("", "", "", "pictures of ", "scenes "))
    return f"scenes {entry.place}" if opening == "scenes " else f"{opening}{article(name)}"


def _plural(name: str) -> str:
    if name in _SAME or name.endswith("s") or " and " in name or " of " in name:
        return name
    if name.endswith(("ch", "sh", "x")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2] not in "aeiou" else f"{name}s"
