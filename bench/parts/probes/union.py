"""Unions of probe sets."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.parts import choice
from bench.parts.checks import check_index, check_limit
from bench.parts.optional_protocols import HasNotes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, Probe

_WHERE = "probe.params.of"


@dataclass(frozen=True)
class UnionProbe:
    """The images of several probe sets, member after member.

    `limit` takes the first images of each member, in proportion to the members' sizes. A smaller
    set is therefore a subset of a larger one, but not a prefix. The shares are those of Webster's
    method: the j-th image (from 0) of a member of size n has the rank (j + 1/2) / n, and the
    `limit` lowest ranks are taken, ties in the members' order.

    A union has no masks and no classes, since those of its members differ in kind.

    Attributes:
        of: The members: names of choices (`dissectbench list probes`), or {name, params}.
        limit: Maximum number of images of all members together; all if null.
        title: Name on boards, besides "union".
    """

    summary: ClassVar[str] = "several probe sets together"

    of: tuple[Any, ...]
    limit: int | None = None
    title: str = ""

    def __post_init__(self) -> None:
        check_limit(self.limit)
        if not self.of:
            raise UserError("the union has no members", where=_WHERE, hint="give at least one")
        object.__setattr__(self, "of", tuple(choice.freeze(spec, _WHERE) for spec in self.of))

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record."""
        named = {"title": self.title} if self.title else {}
        return {**named, "of": choice.thaw(self.of), "limit": self.limit}

    @property
    def on_error(self) -> str:
        """Treatment of unreadable images: "skip" if one of the members skips them."""
        return "skip" if any(_skips(part) for part in self._whole) else "fail"

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprints of the members, limited to the used images, in order."""
        return {
            "kind": "union",
            "n": len(self),
            "of": [[dict(part.fingerprint()), taken] for part, taken in self._used],
        }

    @property
    def members(self) -> tuple[Probe, ...]:
        """The members, limited to the used images, whose evidence can be combined for the union.

        Empty if some member has no limit and only its first images are used.
        """
        whole = all(len(part) == taken for part, taken in self._used)
        return tuple(part for part, _ in self._used) if whole else ()

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`.

        Raises:
            IndexError: There is no such image.
        """
        check_index(index, len(self))
        nth = bisect_right(self._ends, index)
        before = self._ends[nth - 1] if nth else 0
        return self._used[nth][0].image(index - before)

    @property
    def square_images(self) -> bool:
        """Whether the images of all members are square."""
        return all(getattr(part, "square_images", False) for part in self._whole)

    @property
    def of_glyphs(self) -> bool:
        """Whether all members show the embedded world."""
        return all(getattr(part, "of_glyphs", False) for part in self._whole)

    def skipped(self) -> tuple[str, ...]:
        """Return the unreadable images that the members skip."""
        return tuple(name for part in self._whole if _skips(part) for name in part.skipped())

    def notes(self) -> tuple[str, ...]:
        """Return the members' own notes."""
        noted = (part for part in self._whole if isinstance(part, HasNotes))
        return tuple(note for part in noted for note in part.notes())

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the unmet requirements of the members, without duplicates."""
        missing = [unmet_requirements(part) for part in self._whole]
        return tuple(dict.fromkeys(chain.from_iterable(missing)))

    @cached_property
    def _whole(self) -> tuple[Any, ...]:
        return tuple(choice.build("probe", spec, _WHERE) for spec in self.of)

    @cached_property
    def _used(self) -> tuple[tuple[Probe, int], ...]:
        """The members with used images, limited to these if possible, and the number of these."""
        shares = proportional([len(part) for part in self._whole], self.limit)
        return tuple(
            (_cut(part, share), share)
            for part, share in zip(self._whole, shares, strict=True)
            if share
        )

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(accumulate(taken for _, taken in self._used))


def proportional(sizes: Sequence[int], limit: int | None) -> list[int]:
    """Return the number of used images of each member, by Webster's method.

    Args:
        sizes: Sizes of the members.
        limit: Maximum of the sum; None for all.
    """
    if limit is None or limit >= sum(sizes):
        return list(sizes)
    ranks = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    owners = np.repeat(np.arange(len(sizes)), sizes)
    taken = owners[np.argsort(ranks, kind="stable")[:limit]]
    return [int(count) for count in np.bincount(taken, minlength=len(sizes))]


def _cut(part: Any, share: int) -> Probe:
    """Return a member limited to its first images, so that only used images are hashed."""
    limited = share < len(part) and any(field.name == "limit" for field in fields(part))
    cut: Probe = replace(part, limit=share) if limited else part
    return cut


def _skips(part: Any) -> bool:
    return getattr(part, "on_error", "fail") == "skip"
