"""Unions and differences of concept sets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.parts.choice import build, freeze, thaw
from metrics.labels import normalise, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import ConceptSet

_OF, _WITHOUT = "concepts.params.of", "concepts.params.without"


@dataclass(frozen=True)
class CombinedConcepts:
    """The union of several sets in order, without the concepts of others.

    The union drops exact duplicates only: "Cardigan" and "cardigan" are two classes of ImageNet,
    and both stay. The difference compares names as scoring does (`metrics.labels`), ignoring case
    and separators: "tench, Tinca tinca" removes "tench", and is removed if each of its names is.

    Attributes:
        of: The sets: names of `concepts=` choices, or mappings {name, params}.
        without: The sets whose concepts are removed.
    """

    summary: ClassVar[str] = "several concept sets joined, without the concepts of others"

    of: tuple[str, ...]
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, where in (("of", _OF), ("without", _WITHOUT)):
            specs = tuple(freeze(spec, where) for spec in getattr(self, field))
            object.__setattr__(self, field, specs)
        if not self.of:
            raise UserError(
                "no concept set is given",
                where=_OF,
                hint="give some: concepts.params.of=[wordfreq_20k,imagenet_classes]",
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """The sets, for the record."""
        return {"of": thaw(self.of), "without": thaw(self.without)}

    def words(self) -> tuple[str, ...]:
        """Return the labels: those of the first set, then the new ones of the second, and so on."""
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """Return the numbers of duplicates and of removed labels, and the sets' own notes."""
        return self._read[1]

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the unmet requirements of the sets."""
        sets = [*self._sets(self.of, _OF), *self._sets(self.without, _WITHOUT)]
        missing = [unmet_requirements(part) for _, part in sets]
        return tuple(dict.fromkeys(chain.from_iterable(missing)))

    @staticmethod
    def _sets(specs: Sequence[str], where: str) -> Iterator[tuple[str, ConceptSet]]:
        for spec in specs:
            name = str(json.loads(spec)["name"]) if spec.startswith("{") else spec
            yield name, build("concepts", spec, where)

    @cached_property
    def _read(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        notes: list[str] = []
        joined: dict[str, None] = {}
        for name, part in self._sets(self.of, _OF):
            words = part.words()
            notes += (f"{name}: {note}" for note in part.notes())
            again = sum(word in joined for word in words)
            if again:
                notes.append(f"{name}: dropped {again} that an earlier set holds")
            joined |= dict.fromkeys(words)
        for name, part in self._sets(self.without, _WITHOUT):
            out = {form for word in part.words() for form in (normalise(word), *pieces(word))}
            notes += (f"{name}: {note}" for note in part.notes())
            kept = {word: None for word in joined if not _is_named(word, out)}
            notes.append(f"{name}: took out {len(joined) - len(kept)}")
            joined = kept
        if not joined:
            raise UserError(
                "no concept remains", where=_WITHOUT, hint="remove fewer, or add more sets"
            )
        return tuple(joined), tuple(notes)


def _is_named(word: str, names: set[str]) -> bool:
    """Return whether a label, or each of its names, is one of some normalised names."""
    parts = pieces(word)
    return normalise(word) in names or (bool(parts) and all(part in names for part in parts))
