"""The embedded world's segmenter: which planes it has, what their labels are, where it lies.

Importing this module loads no torch; the network itself is in ``segmenter_net``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.glyphs.vocabulary import COLOURS, OBJECTS, SCENES, TEXTURES
from bench.glyphs.weights import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from bench.glyphs.segmenter_net import SegmenterNet

WEIGHTS = FOLDER / "segmenter.safetensors"
SIZE = 128
"""Side of the network's input, in pixels."""
MASK_SIZE = 64
"""Side of its planes: half of the input's."""


@dataclass(frozen=True)
class Plane:
    """One question that is asked of each pixel.

    Attributes:
        category: Its name, as Broden calls such labels.
        suffix: What Broden puts behind the labels' names, so that none stands for two things.
        names: Its classes as the vocabulary has them; class 0 of the network is "none", class
            i + 1 is ``names[i]``.
    """

    category: str
    suffix: str
    names: tuple[str, ...]

    @property
    def classes(self) -> int:
        """Logits of the plane, "none" included."""
        return 1 + len(self.names)


PLANES = (
    Plane("color", "-c", tuple(entry.name for entry in COLOURS)),
    Plane("object", "", tuple(entry.name for entry in OBJECTS)),
    Plane("scene", "-s", tuple(entry.name for entry in SCENES)),
    Plane("texture", "", tuple(entry.name for entry in TEXTURES)),
)
"""In the order of Broden's categories."""


def load_segmenter(path: Path | None = None) -> SegmenterNet:
    """Builds the segmenter with its shipped weights.

    Args:
        path: Another file than the shipped one.

    Returns:
        The network in float32 and evaluation mode. It takes [B, 3, 128, 128], values in 0..1
        normalised with ``weights.MEAN`` and ``weights.STD``, and gives the logits of all planes,
        [B, sum of their classes, 64, 64].

    Raises:
        ValueError: If the file does not fit the network.
    """
    from safetensors.torch import load_file

    from bench.glyphs.segmenter_net import SegmenterNet

    model = SegmenterNet()
    state = {key: value.float() for key, value in load_file(str(path or WEIGHTS)).items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        message = f"segmenter: missing {missing}, unexpected {unexpected}"
        raise ValueError(message)
    return model.eval()
