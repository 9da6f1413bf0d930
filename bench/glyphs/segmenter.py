"""Load the embedded world's segmenter.

Importing this module does not import torch; the network is in ``segmenter_net``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.glyphs.weights import FOLDER, load_state, read_shipped

if TYPE_CHECKING:
    from pathlib import Path

    from bench.glyphs.segmenter_net import SegmenterNet

WEIGHTS = FOLDER / "segmenter.safetensors.gz"
SIZE = 128
"""Side of the network's input, in pixels."""


def load_segmenter(path: Path | None = None) -> SegmenterNet:
    """Build the segmenter with its shipped weights.

    Args:
        path: Weights; None for the shipped file.

    Returns:
        The network in float32 and evaluation mode. It takes [B, 3, 128, 128], values in 0..1
        normalised with ``weights.MEAN`` and ``weights.STD``, and returns the logits of all planes,
        [B, sum of their classes, 64, 64].

    Raises:
        ValueError: The file does not match the network.
    """
    from safetensors.torch import load, load_file

    from bench.glyphs.segmenter_net import SegmenterNet

    model = SegmenterNet()
    load_state(model, load_file(path) if path else load(read_shipped(WEIGHTS)), "segmenter")
    return model.eval()
