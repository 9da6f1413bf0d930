"""Images of a class folder by number, numbered as in torchvision's ImageFolder."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

Geometry = Literal["centre", "squash"]

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of torchvision's ImageFolder; another set would shift the numbers."""

_RESIZE = 256 / 224
"""Ratio of the resized image's shorter side to the crop, as in the annotated networks."""


class FolderImages:
    """The images of a class folder such as ImageNet's validation set.

    Numbers are those of torchvision's ImageFolder: classes, their sub-folders, and files are sorted
    by name.

    Args:
        root: The folder; its sub-folders are the classes.
        size: Side S of the returned images.
        geometry: "centre": resize the shorter side to S * 256 / 224 and crop the central S x S
            pixels, like the networks whose masks are used. "squash": resize both sides to S, like
            the official code; masks of images that are not square are then misaligned.
    """

    def __init__(self, root: Path, size: int, geometry: Geometry = "centre") -> None:
        self.root = root
        self.size = size
        self.geometry = geometry

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """Files of all images by number.

        Raises:
            UserError: There is no such folder, or no class folder with images.
        """
        if not self.root.is_dir():
            raise UserError(f"no folder {self.root}", where="images")
        found = []
        for kind in sorted(entry.name for entry in self.root.iterdir() if entry.is_dir()):
            for folder, _, names in sorted(os.walk(self.root / kind, followlinks=True)):
                found += [
                    Path(folder, name)
                    for name in sorted(names)
                    if name.lower().endswith(_EXTENSIONS)
                ]
        if not found:
            raise UserError(
                f"no class folder of {self.root} contains images",
                where="images",
                hint="name ImageNet's validation set with one sub-folder per class",
            )
        return tuple(found)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, number: int) -> NDArray[np.uint8]:
        """Return the image of a number, uint8 [S, S, 3].

        Raises:
            UserError: The file cannot be read as an image.
        """
        from PIL import Image, UnidentifiedImageError

        file = self.files[number]
        try:
            with Image.open(file) as opened:
                # Ignore the orientation tag, like torchvision and the annotated networks.
                return np.asarray(fit(opened.convert("RGB"), self.size, self.geometry))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise UserError(f"cannot read the image: {error}", where=str(file)) from error


def fit(image: Image, size: int, geometry: Geometry) -> Image:
    """Fit an image to a square of `size` pixels (bilinear, antialiased); see `FolderImages`."""
    from PIL.Image import Resampling

    if geometry == "squash":
        return image.resize((size, size), Resampling.BILINEAR)
    short = round(size * _RESIZE)
    width, height = image.size
    # Truncate the longer side to whole pixels, like torchvision.
    if width <= height:
        across, down = short, int(short * height / width)
    else:
        across, down = int(short * width / height), short
    left, top = round((across - size) / 2), round((down - size) / 2)
    resized = image.resize((across, down), Resampling.BILINEAR)
    return resized.crop((left, top, left + size, top + size))
