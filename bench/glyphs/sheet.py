"""A contact sheet of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.glyphs.raster import SIZE
from bench.glyphs.world import render

if TYPE_CHECKING:
    from pathlib import Path


def contact_sheet(
    out: Path,
    columns: int = 10,
    rows: int = 6,
    gap: int = 4,
    variant: str = "val",
    first: int = 680,
) -> None:
    """Write a PNG of samples in a grid.

    Args:
        out: The file to write.
        columns: Samples across.
        rows: Samples down.
        gap: White gap in pixels.
        variant: Which variant of the world.
        first: Index of the first sample; from the default on, sixty show nearly all scenes.
    """
    from PIL import Image

    step = SIZE + gap
    sheet = np.full((rows * step + gap, columns * step + gap, 3), 255, dtype=np.uint8)
    for i in range(columns * rows):
        top, left = gap + i // columns * step, gap + i % columns * step
        sheet[top : top + SIZE, left : left + SIZE] = render(first + i, variant).image
    # A palette of 256 colours is a third of the bytes, and to the eye the same.
    Image.fromarray(sheet).quantize(256).save(out, optimize=True)
