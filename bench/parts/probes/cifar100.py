"""CIFAR-100, from the published archive or its unpacked files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from bench.downloads.paths import entry_of, fetch_hint, user_path
from bench.errors import UserError
from bench.parts.checks import check_limit, check_mask_size
from bench.parts.file_params import FileParams
from bench.parts.probes.classes import ClassMasksMixin
from bench.parts.probes.image_files import mix_key
from bench.parts.probes.members import read_members
from bench.parts.probes.pickled_arrays import read_pickled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from bench.parts.protocols import Fingerprint

SIDE = 32
_ARCHIVE = "cifar-100-python.tar.gz"
_MAX_SIZE = 1_000_000_000


@dataclass(frozen=True)
class Cifar100Probe(FileParams, ClassMasksMixin):
    """Small images of 100 classes (the fine ones), from Krizhevsky's archive.

    Images are ordered by the hash of their number in the file, as those of `folder` by the hash of
    their names: the order mixes classes, and a smaller set is a prefix of a larger one.

    Attributes:
        path: cifar-100-python.tar.gz, or a folder that contains it, or the unpacked files train,
            test and meta, or the folder cifar-100-python with these.
        split: "test" has 10,000 images (CLIP-Dissect's cifar100_val), "train" 50,000.
        limit: Maximum number of images; all if null.
        mask_size: Side of the square to which a unit's maps are resized, for methods that compare
            them with the classes as labels of whole images.
    """

    summary: ClassVar[str] = "CIFAR-100, 32 x 32 pixels; the classes can serve as masks"
    square_images: ClassVar[bool] = True
    config_key = "probe.params"
    reads = (("path", "folder of CIFAR-100"),)

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
        """Parameters for the record, without the path."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "path"}

    def fingerprint(self) -> Fingerprint:
        """Return the hash of the pixels in their order, whether packed or unpacked."""
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
        """Return the RGB image at `index`, 32 x 32."""
        from PIL import Image

        planes = self._split.pixels[self._order[index]].reshape(3, SIDE, SIDE)
        return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))

    def class_names(self) -> tuple[str, ...]:
        """Return the 100 fine classes, sorted, with blanks: "aquarium fish"."""
        return self._split.names

    def image_classes(self) -> tuple[int, ...]:
        """Return the fine class of each image."""
        labels = self._split.labels
        return tuple(labels[index] for index in self._order)

    @property
    def _split(self) -> _Split:
        source = _find_source(self.path)
        files = (source, source / self.split, source / "cifar-100-python" / self.split)
        states = [file.stat() for file in files if file.exists()]
        return _read(source, self.split, tuple((s.st_size, s.st_mtime_ns) for s in states))

    @cached_property
    def _order(self) -> tuple[int, ...]:
        numbers = range(len(self._split.labels))
        return tuple(sorted(numbers, key=lambda n: mix_key(f"{n:05d}"))[: self.limit])


@dataclass(frozen=True, eq=False)
class _Split:
    """A split: pixels uint8 [n, 3072] (red, green, blue planes), labels, class names."""

    pixels: NDArray[np.uint8]
    labels: tuple[int, ...]
    names: tuple[str, ...]


def _find_source(path: str) -> Path:
    """Return the archive, or a folder as of `Cifar100Probe.path`."""
    source = user_path(path)
    if (source / _ARCHIVE).is_file() and not (source / "cifar-100-python").is_dir():
        return source / _ARCHIVE
    if not path or not source.exists():
        entry = entry_of(path)
        raise UserError(
            f"there is no {path or 'path'}"
            if entry is None
            else f"{entry.name} is not in {source}",
            where="probe.params.path",
            hint=fetch_hint(entry) if entry else f"give {_ARCHIVE} or its unpacked folder",
        )
    return source


@lru_cache(maxsize=2)
def _read(source: Path, split: str, stamps: tuple[tuple[int, int], ...]) -> _Split:
    """Read a split and the class names; cached until a file's size or time stamp changes."""
    content = read_members(source, (split, "meta"), _MAX_SIZE)
    data, meta = (_unpickle(content[name], f"{source}:{name}") for name in (split, "meta"))
    pixels, labels, names = (
        data.get("data"), data.get("fine_labels"), meta.get("fine_label_names"),
    )  # fmt: skip
    if not (
        isinstance(pixels, np.ndarray) and isinstance(labels, list) and isinstance(names, list)
    ):
        raise _fault("it lacks data, fine_labels or fine_label_names", f"{source}:{split}")
    fits = pixels.ndim == 2 and pixels.shape == (len(labels), 3 * SIDE**2) and len(labels) > 0
    if not fits or not all(type(label) is int and 0 <= label < len(names) for label in labels):
        raise _fault("its images, labels and names do not match", f"{source}:{split}")
    return _Split(pixels, tuple(labels), tuple(_words(name) for name in names))


def _unpickle(data: bytes, where: str) -> dict[str, Any]:
    try:
        return read_pickled(data)
    except ValueError as error:
        raise _fault(f"not a file of CIFAR-100: {error}", where) from error


def _words(name: object) -> str:
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return text.replace("_", " ")


def _fault(what: str, where: str) -> UserError:
    return UserError(what, where=where, hint="get the archive again: dissectbench fetch cifar100")
