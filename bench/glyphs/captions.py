"""Write captions of a sample; unnamed objects are described by kind or use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.glyphs.raster import Draw

Thing = tuple[int, int, int]
"""Object, colour and texture indices."""


def article(phrase: str) -> str:
    """Put ``a`` or ``an`` before a phrase, nothing before a plural."""
    if phrase.endswith("s") and not phrase.endswith(("ss", "us", "is", "'s")):
        return phrase
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def noun(draw: Draw, object_id: int) -> str:
    """Return the object's name or a synonym; for unnamed objects a paraphrase."""
    entry = OBJECTS[object_id]
    if not entry.named_in_captions:
        return draw.pick(entry.paraphrases)
    if entry.synonyms and draw.chance(0.12):
        return draw.pick(entry.synonyms)
    return entry.name


def phrase(draw: Draw, thing: Thing, detail: int) -> str:
    """Return ``a red striped heart``; ``a thing that keeps the rain off, red and striped``.

    Args:
        draw: Random source of the wording.
        thing: Object, colour and texture indices.
        detail: 0 for the bare noun, 1 with colour, 2 with colour and texture.
    """
    object_id, colour_id, texture_id = thing
    words = []
    if detail > 0:
        words.append(COLOURS[colour_id].name)
    if detail > 1 and texture_id > 0:
        words.append(TEXTURES[texture_id].name)
    head = noun(draw, object_id)
    if OBJECTS[object_id].named_in_captions:
        return article(" ".join([*words, head]))
    return ", ".join([head, " and ".join(words)]) if words else head


def captions(draw: Draw, scene: int, things: Sequence[Thing]) -> tuple[str, ...]:
    """Write the captions of a scene with things, the main one first; the fullest comes first."""
    place, name = SCENES[scene].place, SCENES[scene].name
    synonym = draw.pick((name, name, *SCENES[scene].synonyms))
    if not things:
        return (f"a scene {place}", article(name), synonym)
    main = phrase(draw, things[0], 2)
    first = f"{main} {place}"
    if draw.chance(0.3):
        first = f"a picture of {main} {place}"
    written = [
        first,
        phrase(draw, things[0], 1),
        f"{phrase(draw, things[0], 0)} {place}",
        phrase(draw, things[0], 0),
        synonym,
    ]
    if len(things) > 1:
        both = f"{phrase(draw, things[0], 1)} and {phrase(draw, things[1], 1)} {place}"
        written.insert(1, both)
    return tuple(written)
