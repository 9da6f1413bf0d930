"""True names of the final layers of the embedded world's networks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from metrics.truth import TrueName

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class GlyphsTruth:
    """The classes of a Glyphs network: unit i of the final layer is class i of the vocabulary.

    Attributes:
        kind: "objects" or "scenes". The groups of objects are "seen" and "unseen": whether the
            encoder's training captions contain their names.
    """

    summary: ClassVar[str] = "class names of the embedded world"

    kind: Literal["objects", "scenes"] = "objects"

    def names(self) -> Mapping[int, TrueName]:
        """Return true names by unit."""
        return self._names

    @cached_property
    def _names(self) -> Mapping[int, TrueName]:
        from bench.glyphs import vocabulary

        if self.kind == "objects":
            return {
                unit: _true_name(entry, "seen" if entry.named_in_captions else "unseen")
                for unit, entry in enumerate(vocabulary.OBJECTS)
            }
        return {unit: _true_name(entry, "") for unit, entry in enumerate(vocabulary.SCENES)}


def _true_name(entry: object, group: str) -> TrueName:
    from bench.glyphs.vocabulary import Concept

    assert isinstance(entry, Concept)
    synonyms = tuple(dict.fromkeys((entry.name, *entry.synonyms)))
    return TrueName(entry.name, synonyms, entry.hypernyms, group)
