"""Images in files: which there are, in what order, and which of them are left out."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from bench.downloads.paths import require_folder, user_path
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.files import printable, sha256_files
from bench.parts.probes.find import Found, aside_notes, find_images
from bench.parts.probes.images import DECODER_VERSION, EXTENSIONS, HINT, open_rgb
from bench.parts.probes.readable import readable, require_known_levels
from bench.parts.probes.sizes import check_limit
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

OnError = Literal["fail", "skip"]
"""What is done about images that cannot be read."""

_SHOWN = 5
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFiles:
    """All images below a folder, in an order fixed by the hash of their names.

    That order mixes classes, so that a set cut short by `limit` still shows all of them, and a
    smaller set is a prefix of a larger one.

    Attributes:
        path: The folder; images are looked for in it and in all folders below.
        limit: Take this many images at most; all where null.
        on_error: What is done about an image that cannot be read: "fail" stops the run when it
            comes to it; "skip" decodes every image once beforehand, leaves out those that cannot be
            read, and only then counts up to `limit`.
    """

    path: str
    limit: int | None = None
    on_error: OnError = "fail"

    def __post_init__(self) -> None:
        check_limit(self.limit)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: all, but `on_error` only where it is not the default."""
        return told_parameters(self)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The images' paths inside the folder, with forward slashes, in the set's order.

        Raises:
            UserError: There is no such folder, or no image in it.
        """
        return self._sorted_out[0][: self.limit]

    def skipped(self) -> tuple[str, ...]:
        """Paths inside the folder of the images that cannot be read; none unless `on_error` asks.

        Raises:
            UserError: As `files`.
        """
        return self._sorted_out[1]

    def notes(self) -> tuple[str, ...]:
        """What a reader of the record should know of the set."""
        return (*skipping_notes(self.skipped()), *aside_notes(self._found.aside))

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The folder, where there is none."""
        return unmet_path(self.path, "folder of images", "probe.params.path")

    def fingerprint(self) -> Fingerprint:
        """Names, sizes and contents of the images; not where the folder lies.

        Raises:
            UserError: The system does not hand a file over.
        """
        root = self._root
        files = [root / name for name in self.files]
        require_known_levels(files)
        try:
            contents = sha256_files(files)
            sizes = [file.stat().st_size for file in files]
        except OSError as error:
            raise UserError(
                f"cannot read this file: {error.strerror}", where=str(error.filename), hint=HINT
            ) from error
        listing = [
            [self._known_as(name), size, content]
            for name, size, content in zip(self.files, sizes, contents, strict=True)
        ]
        return {
            "kind": "folder",
            "n": len(files),
            "sha256": sha256_json(listing),
            "decoder": DECODER_VERSION,
        }

    def image(self, index: int) -> Image:
        """The image at `index`, RGB, upright.

        Raises:
            UserError: The file is no readable image.
        """
        return open_rgb(self._place / self.files[index])

    @cached_property
    def _found(self) -> Found:
        return find_images(self._root)

    @property
    def _folder(self) -> str:
        """The folder that is searched, as a user would write it."""
        return self.path

    @property
    def _root(self) -> Path:
        return require_folder(self._folder, "probe.params.path")

    @cached_property
    def _place(self) -> Path:
        return user_path(self._folder)

    def _known_as(self, name: str) -> str:
        """The name by which a file has its place in the order, and is known to the fingerprint."""
        return printable(name)

    @cached_property
    def _sorted_out(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        root = self._root
        found, aside = self._found
        for note in aside_notes(aside):
            _warn_once(f"{self.path}: {note}")
        if not found:
            raise UserError(
                f"no images in {self.path}",
                where="probe.params.path",
                hint=f"looked in all sub-folders for {', '.join(EXTENSIONS)}",
            )
        mixed = sorted(found, key=lambda name: (mixing(self._known_as(name)), name))
        if self.on_error == "fail":
            return tuple(mixed), ()
        return without_unreadable(mixed, [root / name for name in mixed], self.path)


def mixing(name: str) -> bytes:
    """What a set is sorted by to mix its classes, the same everywhere and for ever."""
    return hashlib.sha256(name.encode()).digest()


def without_unreadable(
    names: Sequence[str], files: Sequence[Path], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell the images that can be read from the others, and say how many are left out.

    Args:
        names: Of the images.
        files: Where they lie.
        where: The set, for messages.

    Returns:
        Names of those that can be read, in order; and of the others, sorted.

    Raises:
        UserError: None can be read.
    """
    can = readable(files)
    kept = tuple(name for name, good in zip(names, can, strict=True) if good)
    bad = (name for name, good in zip(names, can, strict=True) if not good)
    left_out = tuple(sorted(map(printable, bad)))
    if not kept:
        raise UserError(
            f"none of {len(names):,} images in {where} can be read",
            where="probe.params.path",
            hint="probe.params.on_error=fail names the first of them and says why",
        )
    for note in skipping_notes(left_out):
        _warn_once(f"{where}: {note}")
    return kept, left_out


def skipping_notes(skipped: Sequence[str]) -> tuple[str, ...]:
    """One sentence on the images that were left out, if any were."""
    if not skipped:
        return ()
    more = ", ..." if len(skipped) > _SHOWN else ""
    number = f"{len(skipped):,} image{'s' if len(skipped) > 1 else ''}"
    return (f"left out {number} that cannot be read: {', '.join(skipped[:_SHOWN])}{more}",)


@cache
def _warn_once(text: str) -> None:
    """Say it once a process: each job of a sweep looks at its folder anew."""
    _LOG.warning("%s", text)


def told_parameters(part: Any, *places: str) -> dict[str, Any]:
    """A part's parameters for the record: without a default `on_error`, and without places.

    Args:
        part: A dataclass with a field `on_error`.
        places: Fields that only say where files lie.
    """
    names = [field.name for field in fields(part) if field.name not in places]
    told = {name: getattr(part, name) for name in names}
    if told.get("on_error") == "fail":
        del told["on_error"]
    return told
