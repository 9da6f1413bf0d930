"""The image-text encoder of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from bench.downloads.packages import OPEN_CLIP
from bench.parts.encoders.files import OpenClipEncoder
from bench.parts.targets.glyphs import require_shipped

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from bench.downloads.requirements import Requirement
    from bench.parts.protocols import Fingerprint, LoadedEncoder


@dataclass(frozen=True)
class GlyphsEncoder:
    """A small image tower tuned to frozen all-MiniLM-L6-v2 on captions of Glyphs."""

    summary: ClassVar[str] = "the embedded world's image tower over all-MiniLM-L6-v2"
    packages: ClassVar[tuple[str, ...]] = OPEN_CLIP
    of_glyphs: ClassVar[bool] = True

    def fingerprint(self) -> Fingerprint:
        """As of the files it lies in, and the transform it was trained with.

        Raises:
            UserError: The weights are not there.
        """
        return {**self._files().fingerprint(), "transform": "glyphs"}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """The text model's package."""
        return self._files().unmet_requirements()

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights.

        Raises:
            UserError: The weights are not there, or the text model's package is not installed.
        """
        return replace(self._files().load(device), transform=_transform)

    @staticmethod
    def _files() -> OpenClipEncoder:
        from bench.glyphs import encoder

        weights = require_shipped(encoder.WEIGHTS, "encoder")
        return OpenClipEncoder(config=str(encoder.CONFIG), weights=str(weights))


def _transform(image: Image) -> Tensor:
    # The very function of the training: open_clip's own rounds to 8 bits after resizing.
    import numpy as np
    import torch

    from bench.glyphs.encoder import preprocess

    return preprocess(torch.from_numpy(np.array(image))[None])[0]
