"""Interfaces of models that write candidate concepts and test them, for methods.

This module does not import torch at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class LanguageModel(Protocol):
    """A loaded language model."""

    def answer(self, prompts: Sequence[str], *, seed: int) -> list[str]:
        """Answer each prompt.

        Args:
            prompts: Instructions in English.
            seed: Seed of a model that draws at random; answers do not depend on batches.
        """


class ImageGenerator(Protocol):
    """A source of images of concepts."""

    def images(self, concept: str, count: int, *, size: int, seed: int) -> NDArray[np.uint8]:
        """Return images that show a concept.

        Args:
            concept: Any text; never read as a path.
            count: Maximum number of images.
            size: Side S of the images in pixels.
            seed: Seed of a source that draws at random.

        Returns:
            uint8 [B, S, S, 3], B <= count; none for a concept without images.
        """


class TargetLayer(Protocol):
    """The described layer of the target, for images that are not in the probe set."""

    def activations(self, images: NDArray[np.uint8]) -> Tensor:
        """Return pooled activations on square images uint8 [B, S, S, 3], float32 [B, U], CPU."""
