"""Probe sets of image files: their order, and images that cannot be read."""

from __future__ import annotations

import hashlib
import logging
import re  # noqa: TC003  (the registry resolves annotations)
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bench.downloads.paths import require_folder, user_path
from bench.errors import UserError
from bench.files import printable, sha256_files
from bench.parts.checks import check_limit, check_not_negative
from bench.parts.file_params import FileParams
from bench.parts.probes.images import DECODER_VERSION, EXTENSIONS, HINT, open_rgb
from bench.parts.probes.listing import ImageListing, ignored_notes, list_images
from bench.parts.probes.validation import are_readable, require_known_range
from leaderboards.hashing import sha256_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from bench.parts.protocols import Fingerprint

OnError = Literal["fail", "skip"]
"""Treatment of images that cannot be read."""

_SHOWN = 5
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFiles(FileParams):
    """All images below a folder, ordered by the hash of their names.

    The order mixes classes, so that a set limited by `limit` shows all of them, and a smaller set
    is a prefix of a larger one.

    Attributes:
        path: The folder, searched with all folders below.
        limit: Maximum number of images; all if null.
        on_error: Treatment of images that cannot be read: "fail" stops the run at the first one;
            "skip" decodes all images once in advance and leaves out the unreadable ones before
            counting up to `limit`.
        offset: Number of images to leave out at the front of the order; sets that do not overlap
            are independent draws.
    """

    config_key = "probe.params"
    reads: ClassVar[tuple[tuple[str, str], ...]] = (("path", "folder of images"),)

    path_fields: ClassVar[tuple[str, ...]] = ()
    """Parameters that only locate files, and are not part of the record."""

    official_name: ClassVar[re.Pattern[str] | None] = None
    """Names of published files. They identify a file, in whichever folder it is."""

    path: str
    limit: int | None = None
    on_error: OnError = "fail"
    offset: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        check_limit(self.limit)
        check_not_negative(self.offset, "probe.params.offset")

    def __len__(self) -> int:
        return len(self.files)

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters for the record: without paths and defaults of `on_error` and `offset`."""
        return recorded_parameters(self, *self.path_fields)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of the images inside the folder, with forward slashes, in the set's order."""
        files = self._sorted_files[0][self.offset :][: self.limit]
        if not files:
            raise UserError(
                f"no image remains after an offset of {self.offset:,}",
                where="probe.params.offset",
                hint=f"there are {len(self._sorted_files[0]):,} images",
            )
        return files

    def skipped(self) -> tuple[str, ...]:
        """Return the paths of unreadable images; none unless `on_error` is "skip"."""
        return self._sorted_files[1]

    def notes(self) -> tuple[str, ...]:
        """Return notes on skipped images and on files that are not images."""
        return (*skipped_notes(self.skipped()), *ignored_notes(self._listing.ignored))

    def fingerprint(self) -> Fingerprint:
        """Return names, sizes and contents of the images, for any folder."""
        root = self._root
        files = [root / name for name in self.files]
        require_known_range(files)
        try:
            contents = sha256_files(files)
            sizes = [file.stat().st_size for file in files]
        except OSError as error:
            raise UserError(
                f"cannot read this file: {error.strerror}", where=str(error.filename), hint=HINT
            ) from error
        listing = [
            [self._stable_name(name), size, content]
            for name, size, content in zip(self.files, sizes, contents, strict=True)
        ]
        return {
            "kind": "folder",
            "n": len(files),
            "sha256": sha256_json(listing),
            "decoder": DECODER_VERSION,
        }

    def image(self, index: int) -> Image:
        """Return the RGB image at `index`, upright."""
        return open_rgb(self._root_path / self.files[index])

    @cached_property
    def _listing(self) -> ImageListing:
        return list_images(self._root)

    @property
    def _folder(self) -> str:
        """The searched folder, as a path of a config."""
        return self.path

    @property
    def _root(self) -> Path:
        return require_folder(self._folder, "probe.params.path")

    @cached_property
    def _root_path(self) -> Path:
        return user_path(self._folder)

    def _stable_name(self, name: str) -> str:
        """Return the name that identifies a file in the order and the fingerprint."""
        own = name.rpartition("/")[2]
        official = self.official_name and self.official_name.fullmatch(own)
        return own if official else printable(name)

    @cached_property
    def _sorted_files(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        root = self._root
        images, ignored = self._listing
        for note in ignored_notes(ignored):
            _warn_once(f"{self.path}: {note}")
        if not images:
            raise UserError(
                f"no images in {self.path}",
                where="probe.params.path",
                hint=f"searched all folders below for {', '.join(EXTENSIONS)}",
            )
        mixed = sorted(images, key=lambda name: (mix_key(self._stable_name(name)), name))
        if self.on_error == "fail":
            return tuple(mixed), ()
        return split_readable(mixed, [root / name for name in mixed], self.path)


def mix_key(name: str) -> bytes:
    """Return the key of the order of images, which mixes classes and never changes."""
    return hashlib.sha256(name.encode()).digest()


def split_readable(
    names: Sequence[str], files: Sequence[Path], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Separate readable images from unreadable ones, and warn of these.

    Args:
        names: Names of the images.
        files: Their files.
        where: The set, for messages.

    Returns:
        Names of readable images, in order; and of unreadable ones, sorted.

    Raises:
        UserError: No image is readable.
    """
    pairs = list(zip(names, are_readable(files), strict=True))
    good = tuple(name for name, readable in pairs if readable)
    bad = tuple(sorted(printable(name) for name, readable in pairs if not readable))
    if not good:
        raise UserError(
            f"none of {len(names):,} images in {where} can be read",
            where="probe.params.path",
            hint="probe.params.on_error=fail reports the reason for the first one",
        )
    for note in skipped_notes(bad):
        _warn_once(f"{where}: {note}")
    return good, bad


def skipped_notes(skipped: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on skipped images, if there are any."""
    if not skipped:
        return ()
    more = ", ..." if len(skipped) > _SHOWN else ""
    number = f"{len(skipped):,} image{'s' if len(skipped) > 1 else ''}"
    return (f"left out {number} that cannot be read: {', '.join(skipped[:_SHOWN])}{more}",)


@cache
def _warn_once(text: str) -> None:
    """Log a warning once per process, since each job of a sweep lists its folder again."""
    _LOG.warning("%s", text)


def recorded_parameters(part: Any, *path_fields: str) -> dict[str, Any]:
    """Return a part's parameters for the record.

    Args:
        part: A dataclass with a field `on_error`; its default is left out, and an offset of 0.
        path_fields: Fields that only locate files; they are left out.
    """
    names = [field.name for field in fields(part) if field.name not in path_fields]
    parameters = {name: getattr(part, name) for name in names}
    if parameters.get("on_error") == "fail":
        del parameters["on_error"]
    if not parameters.get("offset"):
        parameters.pop("offset", None)
    return parameters
