"""Several probe sets as one."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.downloads.requirements import unmet_requirements
from bench.errors import UserError
from bench.parts import choice
from bench.parts.probes.sizes import check_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, Probe

_WHERE = "probe.params.of"


@dataclass(frozen=True)
class UnionProbe:
    """The images of several probe sets, those of the first before those of the second and so on.

    With `limit` the parts give images in proportion to their sizes, each its own first ones, and
    still stand one behind the other. So a smaller set is contained in a larger one, though it is no
    prefix of it. The shares are those of Webster's method: the j-th image (from 0) of a part of n
    has the rank (j + 1/2) / n, and the `limit` lowest ranks are taken, ties in the parts' order.

    A union has no masks and no classes, since those of its parts have little in common.

    Attributes:
        of: The parts: names of choices (`dissectbench list probes`), or {name, params}.
        limit: Take this many images at most, of all parts together; all where null.
        title: What boards call it, beside "union".
    """

    summary: ClassVar[str] = "several probe sets together"

    of: tuple[Any, ...]
    limit: int | None = None
    title: str = ""

    def __post_init__(self) -> None:
        check_limit(self.limit)
        if not self.of:
            raise UserError("a union of nothing has no image", where=_WHERE, hint="name its parts")
        object.__setattr__(self, "of", tuple(choice.frozen(spec, _WHERE) for spec in self.of))

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says."""
        named = {"title": self.title} if self.title else {}
        return {**named, "of": choice.parameters(self.of), "limit": self.limit}

    @property
    def on_error(self) -> str:
        """What the parts do about images that cannot be read: "skip" where one of them skips."""
        return "skip" if any(_skips(part) for part in self._whole) else "fail"

    def fingerprint(self) -> Fingerprint:
        """Fingerprints of the parts, as far as their images are used, in order."""
        return {
            "kind": "union",
            "n": len(self),
            "of": [[dict(part.fingerprint()), taken] for part, taken in self._used],
        }

    @property
    def members(self) -> tuple[Probe, ...]:
        """The parts, where each gives all of its images: then evidence on them serves for this set.

        Nothing where some part gives only its first images and cannot be cut to them.
        """
        whole = all(len(part) == taken for part, taken in self._used)
        return tuple(part for part, _ in self._used) if whole else ()

    def image(self, index: int) -> Image:
        """The image at `index`, RGB.

        Raises:
            IndexError: There is no such image.
            UserError: It cannot be read.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        nth = bisect_right(self._ends, index)
        before = self._ends[nth - 1] if nth else 0
        return self._used[nth][0].image(index - before)

    @property
    def square_images(self) -> bool:
        """Whether all parts say that their images are square."""
        return all(getattr(part, "square_images", False) for part in self._whole)

    @property
    def of_glyphs(self) -> bool:
        """Whether all parts show the embedded world."""
        return all(getattr(part, "of_glyphs", False) for part in self._whole)

    def skipped(self) -> tuple[str, ...]:
        """Images of the parts that cannot be read, where these leave them out."""
        return tuple(name for part in self._whole if _skips(part) for name in part.skipped())

    def notes(self) -> tuple[str, ...]:
        """The parts' own."""
        return tuple(note for part in self._whole for note in getattr(part, "notes", tuple)())

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """What the parts lack, each thing once."""
        return tuple(
            dict.fromkeys(
                requirement for part in self._whole for requirement in unmet_requirements(part)
            )
        )

    @cached_property
    def _whole(self) -> tuple[Any, ...]:
        return tuple(choice.built("probe", spec, _WHERE) for spec in self.of)

    @cached_property
    def _used(self) -> tuple[tuple[Probe, int], ...]:
        """The parts that give any image, cut to those where that is possible, and how many."""
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
    """How many images each part gives: Webster's method, which takes none away as `limit` grows.

    Args:
        sizes: Of the parts.
        limit: How many in all at most; None for all.
    """
    if limit is None or limit >= sum(sizes):
        return list(sizes)
    ranks = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    owners = np.repeat(np.arange(len(sizes)), sizes)
    taken = owners[np.argsort(ranks, kind="stable")[:limit]]
    return [int(count) for count in np.bincount(taken, minlength=len(sizes))]


def _cut(part: Any, share: int) -> Probe:
    """The part's first images, so that no more of it is hashed than is used."""
    limited = share < len(part) and any(field.name == "limit" for field in fields(part))
    cut: Probe = replace(part, limit=share) if limited else part
    return cut


def _skips(part: Any) -> bool:
    return getattr(part, "on_error", "fail") == "skip"
