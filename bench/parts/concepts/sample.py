"""All labels of one concept set, and a sample of another as distractors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bench.errors import UserError
from bench.parts.checks import check_not_negative
from bench.parts.choice import freeze, thaw
from bench.parts.concepts.combined import CombinedConcepts
from bench.parts.probes.image_files import mix_key

if TYPE_CHECKING:
    from bench.downloads.requirements import Requirement


@dataclass(frozen=True)
class SampledConcepts:
    """All of `keep`, then `limit` labels of `of` that `keep` does not contain.

    `of` is ordered by the hash of its labels, so that a sample mixes common and rare words, a
    smaller sample is a prefix of a larger one, and samples that do not overlap are independent
    draws. Keep the true names: a sample without them measures how many names it happens to contain,
    and not the method.

    Attributes:
        keep: The sets whose labels are all candidates: `concepts=` choices, or {name, params}.
        of: The sets from which distractors are taken.
        limit: Number of distractors.
        offset: Number of distractors to leave out at the front of the order.
    """

    summary: ClassVar[str] = "all of one concept set, and a sample of another as distractors"

    keep: tuple[str, ...]
    of: tuple[str, ...]
    limit: int
    offset: int = 0

    def __post_init__(self) -> None:
        for name in ("keep", "of"):
            where = f"concepts.params.{name}"
            specs = tuple(freeze(spec, where) for spec in getattr(self, name))
            object.__setattr__(self, name, specs)
        for name in ("limit", "offset"):
            check_not_negative(getattr(self, name), f"concepts.params.{name}")

    @property
    def parameters(self) -> dict[str, Any]:
        """The sets and numbers, for the record."""
        sets = {"keep": thaw(self.keep), "of": thaw(self.of)}
        return {**sets, "limit": self.limit, "offset": self.offset}

    def words(self) -> tuple[str, ...]:
        """Return the labels: those of `keep`, then the sample.

        Raises:
            UserError: There is no such set, a set cannot be read, or `of` has too few labels.
        """
        return self._words

    def notes(self) -> tuple[str, ...]:
        """Return the notes of the sets `keep`."""
        return self._kept.notes()

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the unmet requirements of both sets."""
        return CombinedConcepts(of=(*self.keep, *self.of)).unmet_requirements()

    @cached_property
    def _kept(self) -> CombinedConcepts:
        return CombinedConcepts(of=self.keep)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        if not self.limit:
            return self._kept.words()
        distractors = CombinedConcepts(of=self.of, without=self.keep).words()
        end = self.offset + self.limit
        if end > len(distractors):
            raise UserError(
                f"there are {len(distractors):,} distractors, and labels up to number {end:,} are "
                "requested",
                where="concepts.params.limit",
                hint="reduce the limit or the offset, or take a larger set as concepts.params.of",
            )
        sample = sorted(distractors, key=mix_key)[self.offset : end]
        return (*self._kept.words(), *sample)
