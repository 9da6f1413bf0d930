"""Concept sets joined, and concepts taken out of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.parts.choice import built, frozen, parameters
from metrics.labels import normalise, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import ConceptSet

_OF, _WITHOUT = "concepts.params.of", "concepts.params.without"


@dataclass(frozen=True)
class CombinedConcepts:
    """Several sets joined in order, without the concepts of others.

    Joining drops a label that an earlier set holds to the letter: "Cardigan" and "cardigan" are two
    classes of ImageNet, and both stay. Taking out goes by names, as scoring does
    (`metrics.labels`): case and separators do not count, "tench, Tinca tinca" takes out "tench",
    and is taken out where each of its names is.

    Attributes:
        of: The sets: names of `concepts=` choices, or mappings {name, params}.
        without: The sets whose concepts are taken out.
    """

    summary: ClassVar[str] = "several concept sets joined, without the concepts of others"

    of: tuple[str, ...]
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, where in (("of", _OF), ("without", _WITHOUT)):
            specs = tuple(frozen(spec, where) for spec in getattr(self, field))
            object.__setattr__(self, field, specs)
        if not self.of:
            raise UserError(
                "no concept set is given to be joined",
                where=_OF,
                hint="name some: concepts.params.of=[wordfreq_20k,imagenet_classes]",
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """The sets as a record tells them."""
        return {"of": parameters(self.of), "without": parameters(self.without)}

    def words(self) -> tuple[str, ...]:
        """The labels: those of the first set, then what the second adds, and so on.

        Raises:
            UserError: There is no such set, one of them cannot be read, or nothing is left.
        """
        return self._read[0]

    def notes(self) -> tuple[str, ...]:
        """How many labels were dropped as duplicates, how many taken out; and the sets' own."""
        return self._read[1]

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """What any of the sets lacks."""
        sets = [*self._sets(self.of, _OF), *self._sets(self.without, _WITHOUT)]
        return tuple(
            dict.fromkeys(
                requirement for _, part in sets for requirement in unmet_requirements(part)
            )
        )

    @staticmethod
    def _sets(specs: Sequence[str], where: str) -> Iterator[tuple[str, ConceptSet]]:
        for spec in specs:
            yield _shown(spec), built("concepts", spec, where)

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
            kept = {word: None for word in joined if not _named(word, out)}
            notes.append(f"{name}: took out {len(joined) - len(kept)}")
            joined = kept
        if not joined:
            raise UserError(
                "no concept is left", where=_WITHOUT, hint="take out less, or join more sets"
            )
        return tuple(joined), tuple(notes)


def _named(word: str, names: set[str]) -> bool:
    """Whether a label is one of some normalised names, as a whole or in each of its parts."""
    parts = pieces(word)
    return normalise(word) in names or (bool(parts) and all(part in names for part in parts))


def _shown(spec: str) -> str:
    """A choice by its name."""
    return str(json.loads(spec)["name"]) if spec.startswith("{") else spec
