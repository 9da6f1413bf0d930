"""An encoder of arrays of images and lists of texts, for methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from bench.parts.protocols import LoadedEncoder

_BATCH = 64


@dataclass(frozen=True)
class LoadedImageText:
    """A loaded encoder as `baselines.captions.ImageText`.

    Attributes:
        encoder: The encoder.
        device: Its device.
    """

    encoder: LoadedEncoder
    device: str

    def images(self, images: NDArray[np.uint8]) -> Tensor:
        """Embed square images uint8 [B, S, S, 3] -> float32 [B, D], not normalised, on the CPU."""
        import torch
        from PIL import Image

        rows = []
        with torch.inference_mode():
            for start in range(0, len(images), _BATCH):
                part = images[start : start + _BATCH]
                shown = torch.stack([self.encoder.transform(Image.fromarray(i)) for i in part])
                rows.append(self.encoder.encode_images(shown.to(self.device)).float().cpu())
        return torch.cat(rows)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts -> float32 [B, D], not normalised, on the CPU."""
        import torch

        with torch.inference_mode():
            rows = [
                self.encoder.encode_texts(texts[start : start + _BATCH]).float().cpu()
                for start in range(0, len(texts), _BATCH)
            ]
        return torch.cat(rows)
