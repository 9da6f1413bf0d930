"""JPEG files to decode: made up, of all common kinds, or those of a folder."""

from __future__ import annotations

from itertools import cycle, islice, product
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, JpegImagePlugin

if TYPE_CHECKING:
    from pathlib import Path

_SIZES = ((500, 375), (375, 500), (256, 341), (64, 64), (301, 227), (640, 540), (17, 640))
_QUALITIES = (92, 75, 98, 40)
_ORIENTATION = 0x0112
_TURNED = Image.Exif()
_TURNED[_ORIENTATION] = 6
_KINDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("RGB", {"subsampling": "4:2:0"}),
    ("RGB", {"subsampling": "4:4:4"}),
    ("RGB", {"subsampling": "4:2:2"}),
    ("RGB", {"subsampling": "4:2:0", "progressive": True}),
    ("RGB", {"subsampling": "4:4:4", "progressive": True}),
    ("L", {}),
    ("CMYK", {}),
    ("RGB", {"subsampling": "4:2:0", "exif": _TURNED}),
)
"""Mode and options of each kind."""

_SAMPLING = {-1: "", 0: " 4:4:4", 1: " 4:2:2", 2: " 4:2:0"}


def write_mixed(folder: Path, count: int) -> list[Path]:
    """Write `count` files of all kinds, sizes and qualities in turn."""
    folder.mkdir(parents=True)
    files = []
    choices = islice(cycle(product(_QUALITIES, _SIZES, _KINDS)), count)
    for number, (quality, size, (mode, options)) in enumerate(choices):
        files.append(folder / f"{number}.jpg")
        _draw(number, size).convert(mode).save(files[-1], "JPEG", quality=quality, **options)
    return files


def write_alike(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write `count` files of one width and height, 4:2:0, quality 92, like most photographs."""
    folder.mkdir(parents=True)
    files = [folder / f"{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        _draw(number, size).save(file, "JPEG", quality=92, subsampling="4:2:0")
    return files


def find_files(folder: Path, count: int) -> list[Path]:
    """Return the first `count` JPEG files below a folder, by name."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in {".jpg", ".jpeg"})
    return sorted(files)[:count]


def kind_of(file: Path) -> str:
    """Return the kind of a JPEG file for a table: mode, sampling, progressive or not."""
    with Image.open(file) as image:
        if image.getexif().get(_ORIENTATION, 1) != 1:
            return "turned by EXIF"
        progressive = ", progressive" if image.info.get("progressive") else ""
        sampling = ""
        if image.mode == "RGB" and isinstance(image, JpegImagePlugin.JpegImageFile):
            sampling = _SAMPLING[JpegImagePlugin.get_sampling(image)]
        return f"{image.mode}{sampling}{progressive}"


def _draw(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw noise of several wavelengths, which has detail at all scales as photographs do."""
    random = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0], 3))
    for grid, weight in ((4, 50.0), (16, 25.0), (64, 12.0), (160, 8.0)):
        coarse = random.integers(0, 256, (grid, grid, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        total += weight / 50 * (np.asarray(layer) - 127.5)
    return Image.fromarray(np.clip(total + 127.5, 0, 255).astype(np.uint8))
