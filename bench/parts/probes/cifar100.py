"""CIFAR-100, from the archive of its publisher or what it unpacks to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from bench.downloads.paths import entry_of, fetch_hint, user_path
from bench.downloads.requirements import unmet_path
from bench.errors import UserError
from bench.parts.probes.classes import WithClasses, check_mask_size
from bench.parts.probes.image_files import mixing
from bench.parts.probes.inside import read_inside
from bench.parts.probes.pickled_arrays import read_pickled
from bench.parts.probes.sizes import check_limit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint

SIDE = 32
_ARCHIVE = "cifar-100-python.tar.gz"
_MOST = 1_000_000_000


@dataclass(frozen=True)
class Cifar100Probe(WithClasses):
    """Small images of 100 classes (the fine ones), from Krizhevsky's archive.

    The order is fixed by the hash of an image's number in its file, as that of `folder` is by
    names: it mixes classes whatever the order of the file, and a smaller set is a prefix of a
    larger one.

    Attributes:
        path: cifar-100-python.tar.gz, or a folder that holds it, or the unpacked files train, test
            and meta, or the folder cifar-100-python with these.
        split: "test" has 10,000 images (CLIP-Dissect's cifar100_val), "train" 50,000.
        limit: Take this many images at most; all where null.
        mask_size: As of `bench.parts.probes.classes.ClassedFiles`.
    """

    summary: ClassVar[str] = "CIFAR-100, 32 x 32 pixels; the classes serve as masks too"
    square_images: ClassVar[bool] = True

    path: str = "fetched:cifar100"
    split: Literal["train", "test"] = "test"
    limit: int | None = None
    mask_size: int = 56

    def __post_init__(self) -> None:
        check_limit(self.limit)
        check_mask_size(self.mask_size)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the record says: not where the files lie."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "path"}

    def fingerprint(self) -> Fingerprint:
        """Hash of the pixels in their order; not where they lie, packed or unpacked."""
        digest = hashlib.sha256()
        pixels = self._split.pixels
        for index in self._order:
            digest.update(pixels[index].tobytes())
        return {
            "kind": "cifar100",
            "split": self.split,
            "n": len(self),
            "sha256": digest.hexdigest(),
        }

    def image(self, index: int) -> Image:
        """The image at `index`, RGB, 32 x 32.

        Raises:
            UserError: The files are missing or damaged.
        """
        from PIL import Image

        planes = self._split.pixels[self._order[index]].reshape(3, SIDE, SIDE)
        return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))

    def class_names(self) -> tuple[str, ...]:
        """The 100 fine classes, sorted, "aquarium fish" with a blank."""
        return self._split.names

    def image_classes(self) -> tuple[int, ...]:
        """The fine class of each image."""
        labels = self._split.labels
        return tuple(labels[index] for index in self._order)

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The archive or its folder, where it is missing."""
        return unmet_path(self.path, "folder of CIFAR-100", "probe.params.path")

    @property
    def _split(self) -> _Split:
        place = _place(self.path)
        files = (place, place / self.split, place / "cifar-100-python" / self.split)
        seen = [file.stat() for file in files if file.exists()]
        return _read(place, self.split, tuple((s.st_size, s.st_mtime_ns) for s in seen))

    @cached_property
    def _order(self) -> tuple[int, ...]:
        numbers = range(len(self._split.labels))
        return tuple(sorted(numbers, key=lambda n: mixing(f"{n:05d}"))[: self.limit])


@dataclass(frozen=True, eq=False)
class _Split:
    """One of the files: pixels uint8 [n, 3072] (red, green, blue planes), labels, class names."""

    pixels: NDArray[np.uint8]
    labels: tuple[int, ...]
    names: tuple[str, ...]


def _place(path: str) -> Path:
    """The archive, or the folder of the unpacked files or of the folder that holds them.

    Raises:
        UserError: There is neither.
    """
    place = user_path(path)
    if (place / _ARCHIVE).is_file() and not (place / "cifar-100-python").is_dir():
        return place / _ARCHIVE
    if not path or not place.exists():
        entry = entry_of(path)
        raise UserError(
            f"there is no {path or 'path'}" if entry is None else f"{entry.name} is not in {place}",
            where="probe.params.path",
            hint=fetch_hint(entry) if entry else f"give {_ARCHIVE} or the folder it unpacks to",
        )
    return place


@lru_cache(maxsize=2)
def _read(place: Path, split: str, stamps: tuple[tuple[int, int], ...]) -> _Split:
    """Read one file and the class names; kept, for it takes a second or two, while stamps last."""
    content = read_inside(place, (split, "meta"), _MOST)
    told, meta = (_unpickled(content[name], f"{place}:{name}") for name in (split, "meta"))
    pixels, labels, names = (
        told.get("data"), told.get("fine_labels"), meta.get("fine_label_names"),
    )  # fmt: skip
    if not (
        isinstance(pixels, np.ndarray) and isinstance(labels, list) and isinstance(names, list)
    ):
        raise _fault("it lacks data, fine_labels or fine_label_names", f"{place}:{split}")
    fits = pixels.ndim == 2 and pixels.shape == (len(labels), 3 * SIDE**2) and len(labels) > 0
    if not fits or not all(type(label) is int and 0 <= label < len(names) for label in labels):
        raise _fault("its images, labels and names do not fit together", f"{place}:{split}")
    return _Split(pixels, tuple(labels), tuple(_words(name) for name in names))


def _unpickled(data: bytes, where: str) -> dict[str, Any]:
    try:
        return read_pickled(data)
    except ValueError as error:
        raise _fault(f"this is no file of CIFAR-100: {error}", where) from error


def _words(name: object) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return text.replace("_", " ")


def _fault(what: str, where: str) -> UserError:
    return UserError(what, where=where, hint="get the archive again: dissectbench fetch cifar100")
