"""Faster image transforms with bit-identical results."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    Transform = Callable[[Image], Tensor]

_LOG = logging.getLogger(__name__)

_MIN_IMAGES = 1_000
"""Images from which a fast transform is worth its compilation, once in an installation."""

_TRIAL_SIZES = ((90, 150), (150, 90), (333, 500), (500, 376))
"""Heights and widths of images to compare the results on; some are enlarged and some reduced."""


def fast_transform(transform: Transform, images: int) -> Transform:
    """Return a faster transform with bit-identical results, or the transform itself.

    Resize, centre-crop, convert to a tensor and normalise, by torchvision's classes, in one pass
    over what the crop keeps. Other transforms are returned as they are.

    Args:
        transform: RGB image -> float32 [3, H, W].
        images: Number of images to transform; few are not worth the compilation.
    """
    return transform if images < _MIN_IMAGES else _parse(transform) or transform


def compile_fast_transforms(images: int) -> None:
    """Compile what `fast_transform` uses for so many images, so that no pass waits for it."""
    if images < _MIN_IMAGES:
        return
    from bench.evidence.resample import look_up, resample

    pixels, table = np.zeros((2, 2, 3), np.uint8), np.zeros((3, 256), np.float32)
    resample(pixels, (1, 1), (0, 0), True, table, np.empty((3, 1, 1), np.float32))
    look_up(pixels[:1, :1], table, np.empty((3, 1, 1), np.float32))


@dataclass(frozen=True, eq=False)
class FastTransform:
    """Resizing, centre crop and a table of values.

    Attributes:
        plain: The transform with the same results.
        resize: Length of the shorter side, or (height, width) of the resized image.
        crop: (height, width) of the centre crop; None for the whole.
        cubic: Whether resizing is bicubic; else bilinear.
        table: float32 [3, 256]: the value of each level of each channel.
    """

    plain: Transform
    resize: int | tuple[int, int]
    crop: tuple[int, int] | None
    cubic: bool
    table: NDArray[np.float32]

    def __call__(self, image: Image) -> Tensor:
        """Return the network's input, float32 [3, h, w]."""
        if self._supports(image) and self.agrees:
            return self._transform(image)
        return self.plain(image)

    @cached_property
    def agrees(self) -> bool:
        """Whether both transforms agree: other releases of Pillow may round differently."""
        import torch

        images = [image for image in _trial_images() if self._supports(image)]
        agrees = bool(images) and all(
            torch.equal(self._transform(image), self.plain(image)) for image in images
        )
        if not agrees:
            _LOG.info("images are resized by Pillow: the faster transform gives other values")
        return agrees

    def _supports(self, image: Image) -> bool:
        """Return whether Pillow does not resize the image, or filters its rows first.

        Pillow filters columns first where the height shrinks by more than twice what the width
        does (from 13.0 on), or is more than a hundred times the width (12.2 and 12.3).
        """
        (height, width), size = self._resized_size(image), (image.height, image.width)
        shrinks = image.height - height > max(0, 2 * (image.width - width))
        tall = shrinks or image.height > 100 * image.width
        return image.mode == "RGB" and ((height, width) == size or not tall)

    def _transform(self, image: Image) -> Tensor:
        import torch

        from bench.evidence.resample import look_up, resample

        height, width = size = self._resized_size(image)
        high, wide = self.crop or size
        top, left = corner = round((height - high) / 2), round((width - wide) / 2)
        result = np.empty((3, high, wide), np.float32)
        pixels = np.asarray(image)
        if size == pixels.shape[:2]:
            look_up(pixels[top : top + high, left : left + wide], self.table, result)
        else:
            resample(pixels, size, corner, self.cubic, self.table, result)
        return torch.from_numpy(result)

    def _resized_size(self, image: Image) -> tuple[int, int]:
        if not isinstance(self.resize, int):
            return self.resize
        height, width = image.height, image.width
        if width <= height:
            return int(self.resize * height / width), self.resize
        return self.resize, int(self.resize * width / height)


def _parse(transform: Transform) -> FastTransform | None:
    """Return the fast form of a transform; None where one of its steps is not supported."""
    from torchvision import transforms

    steps = _steps(transform)
    if not steps or type(steps[0]) is not transforms.Resize or steps[0].max_size is not None:
        return None
    filters = {
        transforms.InterpolationMode.BILINEAR: False,
        transforms.InterpolationMode.BICUBIC: True,
    }
    resize, rest = steps[0], steps[1:]
    sides = [resize.size] if isinstance(resize.size, int) else list(resize.size)
    crop = None
    if rest and type(rest[0]) is transforms.CenterCrop:
        crop, rest = tuple(rest[0].size), rest[1:]
    # torchvision pads what is smaller than the crop.
    padded = crop is not None and max(crop) > min(sides)
    if padded or resize.interpolation not in filters or not _pointwise(rest):
        return None
    return FastTransform(
        plain=transform,
        resize=sides[0] if len(sides) == 1 else (sides[0], sides[1]),
        crop=crop,
        cubic=filters[resize.interpolation],
        table=_table(rest),
    )


def _steps(transform: Any) -> list[Any]:
    from torchvision import transforms
    from torchvision.transforms._presets import ImageClassification

    if type(transform) is ImageClassification:
        return [
            transforms.Resize(transform.resize_size, transform.interpolation),
            transforms.CenterCrop(transform.crop_size),
            transforms.ToTensor(),
            transforms.Normalize(transform.mean, transform.std),
        ]
    return list(transform.transforms) if type(transform) is transforms.Compose else []


def _pointwise(steps: Sequence[Any]) -> bool:
    """Return whether the steps map each value of an RGB image separately."""
    from torchvision import transforms

    # timm's and open_clip's own classes are subclasses of ToTensor. open_clip's conversion of modes
    # does not change an RGB image.
    steps = [step for step in steps if type(step).__name__ != "MaybeConvertMode"]
    return (
        bool(steps)
        and isinstance(steps[0], transforms.ToTensor)
        and all(type(step) is transforms.Normalize for step in steps[1:])
    )


def _table(steps: Sequence[Any]) -> NDArray[np.float32]:
    """Apply the steps to the 256 levels, float32 [3, 256]."""
    from PIL import Image

    levels = np.arange(256, dtype=np.uint8)[None, :, None]
    values: Any = Image.fromarray(np.ascontiguousarray(levels.repeat(3, axis=2)))
    for step in steps:
        values = step(values)
    table: NDArray[np.float32] = values.numpy()[:, 0]
    return table


@cache
def _trial_images() -> tuple[Image, ...]:
    from PIL import Image

    noise = np.random.default_rng(0)
    return tuple(
        Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in _TRIAL_SIZES
    )
