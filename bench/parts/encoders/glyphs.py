"""The image-text encoder of the embedded world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from baselines.calibration import Calibration
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
    """A small image tower, trained towards frozen all-MiniLM-L6-v2 on captions of Glyphs.

    Its calibration is the logistic regression of all names of the vocabulary on the cosines with
    the first 2,000 images of the split "val", on which it was not trained.
    """

    summary: ClassVar[str] = "the embedded world's image tower over all-MiniLM-L6-v2"
    packages: ClassVar[tuple[str, ...]] = OPEN_CLIP
    of_glyphs: ClassVar[bool] = True
    calibration: ClassVar[Calibration] = Calibration(12.78, -0.457)

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of its files, and its transform."""
        return {**self._files().fingerprint(), "transform": "glyphs"}

    def unmet_requirements(self) -> tuple[Requirement, ...]:
        """Return the text model's package, if missing."""
        return self._files().unmet_requirements()

    def load(self, device: str) -> LoadedEncoder:
        """Build the model and read its weights."""
        return replace(self._files().load(device), transform=_transform)

    @staticmethod
    def _files() -> OpenClipEncoder:
        from bench.glyphs import encoder

        weights = require_shipped(encoder.WEIGHTS, "encoder")
        return OpenClipEncoder(config=str(encoder.CONFIG), weights=str(weights))


def _transform(image: Image) -> Tensor:
    # As in training; open_clip's own transform rounds to 8 bits after resizing.
    import numpy as np
    import torch

    from bench.glyphs.encoder import preprocess

    return preprocess(torch.from_numpy(np.array(image))[None])[0]
