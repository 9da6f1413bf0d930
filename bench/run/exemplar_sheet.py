"""Draw a picture of some units' exemplars: one row per unit, bright where the unit fires."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UserError
from bench.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from baselines.spatial import Exemplars

GAP = 4
"""Pixels between images."""

TITLE = 22
"""Height of the line above each row, in pixels."""

_DIM = 0.3
"""Brightness where a unit does not fire."""


def draw_sheet(
    exemplars: Exemplars, units: Sequence[int], names: Mapping[int, str], out: Path
) -> None:
    """Write a PNG: each unit's number and name above its images, the most activating image first.

    Args:
        exemplars: The layer's exemplars.
        units: The units, in the order of the rows.
        names: Names of units, some of which may be missing.
        out: The file; written atomically.

    Raises:
        UserError: The layer has no such unit.
    """
    from PIL import Image, ImageDraw, ImageFont

    count, shown = exemplars.ids.shape
    for unit in units:
        if not 0 <= unit < count:
            raise UserError(
                f"there is no unit {unit}", where="--sheet", hint=f"units are 0 to {count - 1}"
            )
    side = exemplars.size
    row = TITLE + side + GAP
    width = GAP + shown * (side + GAP)
    sheet = np.full((len(units) * row + GAP, width, 3), 255, dtype=np.uint8)
    for place, unit in enumerate(units):
        top = place * row + TITLE
        for column, image in enumerate(_highlight(exemplars, unit)):
            left = GAP + column * (side + GAP)
            sheet[top : top + side, left : left + side] = image
    picture = Image.fromarray(sheet)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    for place, unit in enumerate(units):
        name = " ".join(names.get(unit, "").split())
        dead = "" if exemplars.ids[unit, 0] >= 0 else " (dead)"
        text = f"unit {unit}{dead}{f': {name}' if name else ''}"
        draw.text((GAP, place * row + 3), text, fill=(0, 0, 0), font=font)
    content = BytesIO()
    picture.save(content, format="PNG", optimize=True)
    write_atomic(out, content.getvalue())


def _highlight(exemplars: Exemplars, unit: int) -> list[NDArray[np.uint8]]:
    """Return a unit's images, dimmed where it does not fire; none for a dead unit."""
    ids = [int(index) for index in exemplars.ids[unit] if index >= 0]
    if not ids:
        return []
    images, masks = exemplars.images(ids), exemplars.masks(unit)
    light = np.where(masks[: len(ids), :, :, None], 1.0, _DIM)
    return list((images * light).astype(np.uint8))
