"""Images by their number in a folder with one sub-folder for each class, as torchvision counts."""

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
"""Of torchvision's ImageFolder: a file more or less would shift every number after it."""

_RESIZE = 256 / 224
"""Shorter side of the resized image to the side of the crop, as the annotated networks saw it."""


class FolderImages:
    """The images of a class folder such as ImageNet's validation set.

    Numbers are those of torchvision's ImageFolder: classes sorted by name, in each the folders
    below it and their files sorted by name.

    Args:
        root: The folder; its sub-folders are the classes.
        size: S, side of the images that are given out.
        geometry: "centre": shorter side to S * 256 / 224, then the central square of S pixels:
            what the network saw whose masks they go with. "squash": both sides to S, as the
            official code merges images, so that the masks of an image that is no square lie
            beside what they mark.
    """

    def __init__(self, root: Path, size: int, geometry: Geometry = "centre") -> None:
        self.root = root
        self.size = size
        self.geometry = geometry

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """All images by number.

        Raises:
            UserError: There is no such folder, or no class folder with images in it.
        """
        if not self.root.is_dir():
            raise UserError(f"there is no folder {self.root}", where="images")
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
                f"no class folder of {self.root} holds images",
                where="images",
                hint="give ImageNet's validation set with one sub-folder for each class",
            )
        return tuple(found)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, number: int) -> NDArray[np.uint8]:
        """Return the image of a number, uint8 [S, S, 3].

        Raises:
            UserError: The file is no image.
        """
        from PIL import Image, UnidentifiedImageError

        file = self.files[number]
        try:
            with Image.open(file) as opened:
                # As torchvision reads it; no turning by the camera's tag, which the annotated
                # networks did not see either.
                return np.asarray(fit(opened.convert("RGB"), self.size, self.geometry))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise UserError(f"cannot read this image: {error}", where=str(file)) from error


def fit(image: Image, size: int, geometry: Geometry) -> Image:
    """Bring an image to a square of `size` pixels (bilinear, antialiased); see `FolderImages`."""
    from PIL.Image import Resampling

    if geometry == "squash":
        return image.resize((size, size), Resampling.BILINEAR)
    short = round(size * _RESIZE)
    width, height = image.size
    # The longer side is cut to whole pixels, as torchvision does.
    if width <= height:
        across, down = short, int(short * height / width)
    else:
        across, down = int(short * width / height), short
    left, top = round((across - size) / 2), round((down - size) / 2)
    resized = image.resize((across, down), Resampling.BILINEAR)
    return resized.crop((left, top, left + size, top + size))
