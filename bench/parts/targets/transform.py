"""Transforms of an image to a network's input, and their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image
    from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SIZE, RESIZE = 224, 256
"""The usual transform: resize the shorter side to 256 pixels, crop the central 224."""


@dataclass(frozen=True, kw_only=True)
class TransformParams:
    """The transform's parameters.

    Attributes:
        input_size: Side of the square centre crop, in pixels.
        resize: Length of the shorter side before the crop; 0 squashes the whole image to the input
            size.
        mean: Mean of the input normalisation, of red, green and blue values in 0..1.
        std: Standard deviation of the input normalisation, of red, green and blue values.
    """

    input_size: int | None = None
    resize: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            value = getattr(self, name)
            if value is None:
                continue
            if len(value) != 3 or not all(isinstance(v, int | float) for v in value):
                raise UserError(
                    f"{name} must be three numbers, not {list(value)}",
                    where=f"target.params.{name}",
                )
            object.__setattr__(self, name, tuple(float(v) for v in value))
        if (self.input_size is not None and self.input_size < 1) or (self.resize or 0) < 0:
            raise UserError(
                "sizes must be pixels: input_size at least 1, resize at least 0",
                where="target.params",
            )

    @property
    def visible_share(self) -> float | None:
        """Visible share of an image's shorter side; None if unknown."""
        if self._own_transform:
            return None
        size, resize, _, _ = self._transform_values()
        return size / resize if resize else 1.0

    @property
    def squashes(self) -> bool:
        """Whether it resizes the whole image to a square, ignoring its aspect ratio."""
        return not self._own_transform and self._transform_values()[1] == 0

    @property
    def _given(self) -> dict[str, Any]:
        """The parameters that are set, as JSON values."""
        values = {
            "input_size": self.input_size,
            "resize": self.resize,
            "mean": list(self.mean) if self.mean else None,
            "std": list(self.std) if self.std else None,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def _own_transform(self) -> bool:
        """Whether the transform is not that of these parameters."""
        return False

    def _transform_values(self) -> tuple[int, int, tuple[float, ...], tuple[float, ...]]:
        size = SIZE if self.input_size is None else self.input_size
        # Keep the usual proportion, 256 to 224, for other crops.
        resize = round(size * RESIZE / SIZE) if self.resize is None else self.resize
        return size, resize, self.mean or IMAGENET_MEAN, self.std or IMAGENET_STD

    def _values_identity(self) -> Mapping[str, Any]:
        size, resize, mean, std = self._transform_values()
        return {"size": size, "resize": resize, "mean": list(mean), "std": list(std)}

    def _transform(self) -> Callable[[Image], Tensor]:
        return square_transform(*self._transform_values())


def square_transform(
    size: int,
    resize: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    interpolation: str = "bilinear",
) -> Callable[[Image], Tensor]:
    """Return a transform to a square input.

    Args:
        size: Side of the input, in pixels.
        resize: Length of the shorter side before the crop; 0 squashes the whole image.
        mean: Mean by channel, of values in 0..1.
        std: Standard deviation by channel, of values in 0..1.
        interpolation: Of the resizing, by torchvision's name.

    Returns:
        RGB image -> float32 [3, size, size].
    """
    from torchvision import transforms

    mode = transforms.InterpolationMode(interpolation)
    shape = (
        [transforms.Resize(resize, mode), transforms.CenterCrop(size)]
        if resize
        else [transforms.Resize((size, size), mode)]
    )
    whole: Callable[[Image], Tensor] = transforms.Compose(
        [*shape, transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
    return whole
